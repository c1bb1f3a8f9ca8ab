import { readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { makeFolder } from "../io/make-folder.js";

/** A checkpoint of a run: after how many steps, and its file. */
export interface RunState {
  readonly step: number;
  readonly path: string;
}

const name = /^step-(\d+)\.safetensors$/;

/** The checkpoints of a run, oldest first; none where there is no such folder. */
export function statesOf(runDir: string): RunState[] {
  let names: string[];
  const folder = path.join(runDir, "states");
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .flatMap((file) => {
      const step = name.exec(file)?.[1];
      return step === undefined ? [] : [{ step: Number(step), path: path.join(folder, file) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** Where the checkpoint after `step` steps lies; its folder is made. @throws SaevError `IO`. */
export function statePath(runDir: string, step: number): string {
  makeFolder(path.join(runDir, "states"));
  return path.join(runDir, "states", `step-${String(step).padStart(9, "0")}.safetensors`);
}

/** Removes all but the last `keep` checkpoints, and what processes that died left half-written. */
export async function pruneStates(runDir: string, keep: number): Promise<void> {
  const old = statesOf(runDir).slice(0, -keep || undefined);
  for (const state of old) await rm(state.path, { force: true });
  const folder = path.join(runDir, "states");
  for (const file of readdirSync(folder)) {
    if (/\.safetensors\.tmp-/.test(file)) await rm(path.join(folder, file), { force: true });
  }
}
