import { readdirSync } from "node:fs";
import path from "node:path";
import type { ResolvedTrain } from "@saev/config";
import { sameRun } from "./run-changes.js";
import { type RunRecord, readRunRecord } from "./run-record.js";

/** A run that is there. */
export interface FoundRun {
  readonly dir: string;
  readonly record: RunRecord;
}

/** All runs in a folder, oldest first; what is no run, or cannot be read, is passed over. */
export function runsIn(folder: string): FoundRun[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const dir = path.join(folder, name);
    try {
      return [{ dir, record: readRunRecord(dir) }];
    } catch {
      return [];
    }
  });
}

/**
 * For each config the run in its `ckpt_path` that trains the same SAE, if there is one: one that is not finished rather than one
 * that is, the latest of several. No run is found twice.
 */
export function findRuns(cfgs: readonly ResolvedTrain[]): (FoundRun | undefined)[] {
  const folders = new Map<string, FoundRun[]>();
  for (const { ckpt_path } of cfgs) if (!folders.has(ckpt_path)) folders.set(ckpt_path, runsIn(ckpt_path));
  return cfgs.map((cfg) => {
    const runs = folders.get(cfg.ckpt_path) as FoundRun[];
    const same = runs.filter(({ record }) => sameRun(record.config, cfg));
    const found = same.findLast(({ record }) => record.status !== "finished") ?? same.at(-1);
    if (found !== undefined) runs.splice(runs.indexOf(found), 1);
    return found;
  });
}
