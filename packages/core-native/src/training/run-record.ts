import { readFileSync } from "node:fs";
import path from "node:path";
import { parseTrain, type ResolvedTrain } from "@saev/config";
import { SaevError } from "../errors.js";
import { writeText } from "../io/write-text.js";

/**
 * How a run stands. `training`: being trained, or its process died. `stopped`: by a signal or an error; goes on from its last
 * checkpoint. `finished`: evaluated and done. `diverged`: its loss was not finite. `halved`: stopped as one of the worst of a sweep;
 * goes on from its last checkpoint when it is asked to.
 */
export type RunStatus = "training" | "stopped" | "finished" | "diverged" | "halved";

/** Something that happened to a run. */
export interface RunEvent {
  /** What. */
  readonly event: "started" | "went on" | "stopped" | "finished" | "diverged" | "halved";
  /** Steps made by then. */
  readonly step: number;
  /** When, as ISO 8601. */
  readonly time: string;
  /** Fields of the config that were changed, each with the value before and the value since. */
  readonly changes?: Readonly<Record<string, readonly [before: unknown, since: unknown]>>;
  /** The checkpoint that its weights started from. */
  readonly init_from?: string;
  /** Why it stopped. */
  readonly reason?: string;
}

/** run.json: what is needed to go on with a run beside its checkpoints, and what happened to it. */
export interface RunRecord {
  readonly version: 1;
  readonly run_id: string;
  readonly status: RunStatus;
  /** Steps made, as of the last event. */
  readonly steps: number;
  /** Seed of the order of the activations: of the first SAE of those that were trained together. */
  readonly order_seed: number;
  /** How many SAEs were trained together when the run began. */
  readonly together?: number;
  /** What the activations were, so that others are noticed. */
  readonly data: string;
  /** With `kind`s, which config.json does not have. */
  readonly config: ResolvedTrain;
  readonly history: readonly RunEvent[];
}

const file = "run.json";

/** @throws SaevError `NOT_FOUND` where no run is, `BAD_FILE`, `UNSUPPORTED` for a later version. */
export function readRunRecord(dir: string): RunRecord {
  const at = path.join(dir, file);
  let text: string;
  try {
    text = readFileSync(at, "utf8");
  } catch (cause) {
    throw new SaevError(
      "NOT_FOUND",
      `${dir}: expected a run that can go on (run.json), found none: ${(cause as Error).message}`,
      { cause },
    );
  }
  try {
    const value = JSON.parse(text) as RunRecord;
    if (value.version !== 1) {
      throw new SaevError(
        "UNSUPPORTED",
        `${at}: version ${value.version} is later than this saev, which reads version 1; use the saev that wrote it`,
      );
    }
    const whole = Number.isInteger(value.steps) && Number.isInteger(value.order_seed);
    if (!whole || typeof value.data !== "string" || !Array.isArray(value.history))
      throw new Error("steps, order_seed, data or history is missing");
    return { ...value, config: parseTrain(value.config) as ResolvedTrain };
  } catch (cause) {
    if (cause instanceof SaevError) throw cause;
    throw new SaevError(
      "BAD_FILE",
      `${at}: expected the record of a run, found something else: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** @throws SaevError `IO`. */
export const writeRunRecord = (dir: string, record: RunRecord): Promise<void> =>
  writeText(path.join(dir, file), `${JSON.stringify(record, null, 2)}\n`);
