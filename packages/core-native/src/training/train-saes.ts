import path from "node:path";
import type { ResolvedTrain, Train } from "@saev/config";
import { resolveDevice } from "../device.js";
import { SaevError } from "../errors.js";
import { type EvaluationFigures, readEvaluation } from "../evaluation/figures.js";
import type { LongCallOptions } from "../native/call.js";
import type { CheckpointRequests } from "./checkpoint-schedule.js";
import { type FoundRun, findRuns } from "./find-runs.js";
import { remark } from "./group-end.js";
import type { Halving } from "./halving.js";
import { memoryLimit, splitByMemory } from "./memory-plan.js";
import { requireDisk } from "./needs.js";
import type { PartyTimes } from "./open-party.js";
import { type Party, partiesOf, type RunJob } from "./parties.js";
import { resolveTrain } from "./resolve.js";
import { type PlannedRound, passesOf, plannedData, plannedRound, requireTrainable } from "./rounds.js";
import { changesOf, refusedChanges } from "./run-changes.js";
import type { RunEvaluation } from "./run-evaluation.js";
import { readRunRecord } from "./run-record.js";
import { trainParty } from "./train-group.js";
import type { TrainLog } from "./trainer.js";
import type { TrainValidation } from "./validate.js";

/** How far {@link trainSaes} is. */
export interface TrainProgress {
  /** `train` counts steps, `evaluate` activations. */
  readonly phase: "train" | "evaluate";
  readonly done: number;
  readonly total: number;
  /** Which group of SAEs that share their batches, of how many. */
  readonly group: number;
  readonly groups: number;
}

export interface TrainSaesOptions extends LongCallOptions<TrainProgress> {
  /**
   * Runs of the same config in `ckpt_path`: `new` leaves them alone and starts another, `continue` goes on with one that is not
   * finished, and does nothing for one that is. Default `new`.
   */
  readonly existing?: "new" | "continue";
  /** Folder of the run to go on with, for each config; `undefined`: see `existing`. */
  readonly resume?: readonly (string | undefined)[];
  /** Bytes that the training may take; SAEs that do not fit together follow one another. Default: see {@link planTraining}. */
  readonly memory?: number;
  /** Stops the worst SAEs of those that are trained together early; default: none. */
  readonly halving?: Halving;
  /** Called once it is known what will be trained together, and in which memory, before anything is made. */
  readonly onPlan?: (rounds: readonly PlannedRound[]) => void;
  /** Called for each SAE when it is known where it starts, before its first step. */
  readonly onStart?: (start: RunStart) => void;
  /** Asks for a checkpoint in the midst of training; see {@link CheckpointRequests}. */
  readonly checkpointRequests?: CheckpointRequests;
  /** Every log entry, of every SAE; `sae` is the position in `cfgs`. */
  readonly onLog?: (entry: TrainLog) => void;
  /** Called for each SAE after each evaluation in the course of training (`eval_every`). */
  readonly onValidation?: (validation: TrainValidation) => void;
  /** Where remarks go: a device that is not there, a checkpoint kept after an abort. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
  /** Evaluate each SAE at the end, on all that was set aside, or, where nothing was, on all activations. Default true. */
  readonly evaluate?: boolean;
  /** Warm-up of sparsity without effect, as in the Python package. Default false. */
  readonly legacySparsityWarmup?: boolean;
}

/** Where an SAE starts. */
export interface RunStart {
  /** Its position in `cfgs`. */
  readonly sae: number;
  readonly runId: string;
  readonly dir: string;
  /** `new`; `resumed` from a checkpoint, or from the beginning where there was none; `done`: it was finished before; `diverged`:
   * its loss was not finite, nothing is done; `halved`: it was stopped as one of the worst, nothing is done. */
  readonly from: "new" | "resumed" | "done" | "diverged" | "halved";
  /** Steps that it has made. */
  readonly step: number;
}

/** One trained SAE. */
export interface TrainedSae {
  /** With the width of the data for a `sae.d_vit` that was "auto". */
  readonly cfg: ResolvedTrain;
  readonly runId: string;
  /** Its folder: config.json, sae.pt, metrics.jsonl (with `track`), evaluation.json. */
  readonly dir: string;
  /** Steps done. */
  readonly steps: number;
  /** The step that this call went on from; `undefined` for a new run. */
  readonly resumedAt: number | undefined;
  /** Whether the run was finished before, so that nothing was done. */
  readonly doneBefore: boolean;
  /** Why it was dropped before the end, its loss not being finite; `undefined` for a run that went well. */
  readonly dropped: string | undefined;
  /** Why it was stopped early, by `halving`; `undefined` for a run that was not. */
  readonly halved: string | undefined;
  /** What those that were trained together took; `undefined` where nothing was done. */
  readonly times: Readonly<PartyTimes> | undefined;
  /** `undefined` when evaluation was turned off, and for runs that were dropped or stopped early. Without tensors for a run that was finished before. */
  readonly evaluation: (EvaluationFigures & Partial<RunEvaluation>) | undefined;
}

/**
 * Trains an SAE for each config. Those that can share their batches (`splitPasses`), of whatever size, kind and objective, are
 * trained on one pass over the data, in the order that the first one's `seed` gives; groups follow one another. Each comes out to
 * the same bits as alone in that order.
 *
 * While it trains, checkpoints are written (`checkpoint_minutes`, `checkpoint_every`), from which a run goes on to the same bits:
 * see `existing` and `resume`. When it is aborted or fails, the SAEs so far are saved too and `warn` says where. An abort rejects
 * with `signal.reason` at once; after an error the other groups are trained before it rejects with the first error.
 * A run whose loss is not finite is dropped with its last good weights, `warn` says which, and the others go on.
 * @returns in the order of `cfgs`.
 * @throws SaevError `UNSUPPORTED` for kinds that are not built, `SHAPE_MISMATCH` when d_vit is not the data's, `NUMERIC` when a
 * loss is not finite, `INVALID_ARGUMENT` when `n_reinit_samples` are more than there are, or when a run
 * cannot go on with the config as it is now, `OUT_OF_MEMORY` before anything is made when parameters cannot fit, `IO`.
 */
export async function trainSaes(
  cfgs: readonly Train[],
  options: TrainSaesOptions = {},
): Promise<TrainedSae[]> {
  const resolved = await checked(cfgs, options);
  const found = findAll(resolved, options);
  for (const [i, run] of found.entries()) requireChangesThatWork(run, resolved[i]!);
  const trained = new Map<number, TrainedSae>();
  const jobs: RunJob[] = [];
  for (const [number, cfg] of resolved.entries()) {
    const before = found[number];
    const done =
      before && options.resume?.[number] === undefined
        ? doneBefore(before, cfg, options.halving !== undefined)
        : undefined;
    if (done === undefined) jobs.push({ number, cfg, found: before });
    else {
      trained.set(number, done);
      const { status } = before!.record;
      options.onStart?.({
        sae: number,
        runId: done.runId,
        dir: done.dir,
        from: status === "diverged" || status === "halved" ? status : "done",
        step: done.steps,
      });
    }
  }
  const parties = await roundsOf(jobs, options);
  const failures: unknown[] = [];
  for (const [g, party] of parties.entries()) {
    try {
      const done = await trainOne(party, { ...options, group: g, groups: parties.length });
      for (const [i, sae] of done.entries()) trained.set(party.jobs[i]!.number, sae);
    } catch (error) {
      if (options.signal?.aborted) throw error;
      failures.push(error);
      if (parties.length > 1 && g + 1 < parties.length)
        remark(options, `${(error as Error).message}; the other groups are trained`);
    }
  }
  if (failures.length > 0) throw failures[0];
  return resolved.map((_, i) => trained.get(i)!);
}

/** @throws SaevError for what cannot be trained. */
async function checked(cfgs: readonly Train[], options: TrainSaesOptions): Promise<ResolvedTrain[]> {
  requireTrainable(cfgs);
  if (options.resume && options.resume.length !== cfgs.length) {
    throw new SaevError("INVALID_ARGUMENT", "trainSaes: resume: expected a folder for each config");
  }
  if (options.halving && cfgs.some((cfg) => cfg.checkpoint_keep === 0)) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      "halving keeps the states of the SAEs that stop; set checkpoint_keep to 1 or more",
    );
  }
  const resolved: ResolvedTrain[] = [];
  for (const cfg of cfgs) resolved.push(await resolveTrain(cfg));
  return resolved;
}

/** The run that each config goes on with. */
function findAll(
  cfgs: readonly ResolvedTrain[],
  { existing, resume }: TrainSaesOptions,
): (FoundRun | undefined)[] {
  const there = existing === "continue" ? findRuns(cfgs) : [];
  return cfgs.map((_, i) => {
    const dir = resume?.[i];
    return dir === undefined ? there[i] : { dir, record: readRunRecord(dir) };
  });
}

function requireChangesThatWork(run: FoundRun | undefined, cfg: ResolvedTrain): void {
  const wrong = run ? refusedChanges(changesOf(run.record.config, cfg)) : [];
  if (wrong.length > 0)
    throw new SaevError("INVALID_ARGUMENT", `${run!.dir} cannot go on: ${wrong.join("; ")}`);
}

/** A run for which there is nothing to do. */
function doneBefore({ dir, record }: FoundRun, cfg: ResolvedTrain, halving: boolean): TrainedSae | undefined {
  const { status } = record;
  if (status !== "finished" && status !== "diverged" && !(halving && status === "halved")) return undefined;
  const reason = record.history.at(-1)?.reason;
  const evaluation =
    record.status === "finished" ? readEvaluation(path.join(dir, "evaluation.json")) : undefined;
  return {
    cfg,
    runId: record.run_id,
    dir,
    steps: record.steps,
    resumedAt: undefined,
    doneBefore: true,
    dropped: status === "diverged" ? (reason ?? "its loss was not finite") : undefined,
    halved: status === "halved" ? reason : undefined,
    times: undefined,
    evaluation,
  };
}

/** Who is trained together, in which order; tells it. */
async function roundsOf(jobs: readonly RunJob[], { memory, onPlan }: TrainSaesOptions): Promise<Party[]> {
  const limit = memory ?? memoryLimit();
  const parties: Party[] = [];
  const planned: PlannedRound[] = [];
  for (const together of passesOf(jobs)) {
    const data = await plannedData(together[0]!.cfg);
    for (const party of partiesOf(together)) {
      for (const round of splitByMemory(party.jobs, data, limit)) {
        parties.push({ ...party, jobs: round });
        planned.push(plannedRound(round, data));
      }
    }
  }
  if (planned.length > 0) onPlan?.(planned);
  return parties;
}

async function trainOne(
  party: Party,
  options: TrainSaesOptions & { readonly group: number; readonly groups: number },
): Promise<TrainedSae[]> {
  const { group, groups, onLog, onProgress, onStart, onValidation, ...rest } = options;
  const { jobs } = party;
  const cfgs = jobs.map(({ cfg }) => cfg);
  resolveDevice(cfgs[0]!.device, { warn: options.warn });
  requireDisk(cfgs);
  return trainParty(party, {
    ...rest,
    onLog: (entry) => onLog?.({ ...entry, sae: jobs[entry.sae]!.number }),
    onValidation: (v) => onValidation?.({ ...v, sae: jobs[v.sae]!.number }),
    onProgress: (p) => onProgress?.({ ...p, group, groups }),
    onOpen: (i, { runId, dir }, step) =>
      onStart?.({ sae: jobs[i]!.number, runId, dir, from: jobs[i]!.found ? "resumed" : "new", step }),
  });
}
