import { type ResolvedTrain, refusals, splitCfgs, Train } from "@saev/config";
import { resolveDevice } from "../device.js";
import { SaevError } from "../errors.js";
import { ActivationLoader } from "../loading/activation-loader.js";
import type { LongCallOptions } from "../native/call.js";
import { disposeTensors } from "../sae/tensors.js";
import { type Evaluation, evaluate } from "./evaluate.js";
import { plannedSteps } from "./plan.js";
import { resolveTrain } from "./resolve.js";
import { RunFolder } from "./run-folder.js";
import { Starts } from "./starts.js";
import { Trainer, type TrainLog } from "./trainer.js";
import { trainingOf } from "./training-of.js";

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
  /** Every log entry, of every SAE; `sae` is the position in `cfgs`. */
  readonly onLog?: (entry: TrainLog) => void;
  /** Where remarks go: a device that is not there, a checkpoint kept after an abort. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
  /** Evaluate each SAE on all activations at the end. Default true. */
  readonly evaluate?: boolean;
  /** Warm-up of sparsity without effect, as in the Python package. Default false. */
  readonly legacySparsityWarmup?: boolean;
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
  /** Why it was dropped before the end, its loss not being finite; `undefined` for a run that went well. */
  readonly dropped: string | undefined;
  /** `undefined` when evaluation was turned off. */
  readonly evaluation: Evaluation | undefined;
}

/**
 * Trains an SAE for each config. Those that can share their batches (`splitCfgs`) are trained on one pass over the
 * data, in the order that the first one's `seed` gives; groups follow one another.
 *
 * When it is aborted or fails while training, the SAEs so far are saved as checkpoints, `warn` says where, and it rejects
 * with `signal.reason` or the error.
 * @returns in the order of `cfgs`.
 * A run whose loss is not finite is dropped with its last good weights, `warn` says which, and the others go on.
 * @throws SaevError `UNSUPPORTED` for kinds that are not built, `SHAPE_MISMATCH` when d_vit is not the data's, `NUMERIC` when a
 * loss is not finite, `INVALID_ARGUMENT` when `n_reinit_samples` are more than there are, `IO`.
 */
export async function trainSaes(
  cfgs: readonly Train[],
  options: TrainSaesOptions = {},
): Promise<TrainedSae[]> {
  if (cfgs.length === 0) throw new SaevError("INVALID_ARGUMENT", "trainSaes: no config was given");
  const refused = cfgs.flatMap((cfg) => refusals(Train, cfg));
  if (refused.length > 0) {
    throw new SaevError("UNSUPPORTED", [...new Set(refused.map((r) => r.message))].join("; "));
  }
  if (new Set(cfgs).size !== cfgs.length) {
    throw new SaevError("INVALID_ARGUMENT", "trainSaes: the same config object was given twice");
  }
  const resolved: ResolvedTrain[] = [];
  for (const cfg of cfgs) resolved.push(await resolveTrain(cfg));
  const position = new Map(resolved.map((cfg, i) => [cfg, i]));
  const groups = splitCfgs(resolved);
  const trained: TrainedSae[] = [];
  for (const [g, group] of groups.entries()) {
    const numbers = group.map((cfg) => position.get(cfg) as number);
    const done = await trainGroup(group, {
      ...options,
      onLog: (entry) => options.onLog?.({ ...entry, sae: numbers[entry.sae] as number }),
      onProgress: (p) => options.onProgress?.({ ...p, group: g, groups: groups.length }),
    });
    done.forEach((sae, i) => {
      trained[numbers[i] as number] = sae;
    });
  }
  return trained;
}

type GroupOptions = Omit<TrainSaesOptions, "onProgress"> & {
  readonly onLog: (entry: TrainLog) => void;
  readonly onProgress: (p: Omit<TrainProgress, "group" | "groups">) => void;
};

async function trainGroup(cfgs: readonly ResolvedTrain[], options: GroupOptions): Promise<TrainedSae[]> {
  const { signal } = options;
  const [first] = cfgs;
  if (first === undefined) return [];
  resolveDevice(first.device, { warn: options.warn });
  RunFolder.prepare(cfgs);
  const loading = { nWorkers: first.n_workers, ...(options.warn && { warn: options.warn }), signal };
  using source = await ActivationLoader.open(first.data, { ...loading, order: "shuffled", seed: first.seed });
  using trainer = Trainer.create(source.dim);
  await addSaes(trainer, cfgs, source, options);
  source.reset();
  const runs: RunFolder[] = [];
  try {
    for (const [i, cfg] of cfgs.entries()) {
      const run = await RunFolder.create(cfg);
      runs.push(run);
      trainer.name(i, `run ${run.runId}`);
    }
    await train(trainer, source, runs, options);
    await save(trainer, runs);
    for (const run of runs) run.close();
    return await evaluateAll(trainer, runs, options);
  } finally {
    for (const run of runs) run.close();
  }
}

async function evaluateAll(
  trainer: Trainer,
  runs: readonly RunFolder[],
  options: GroupOptions,
): Promise<TrainedSae[]> {
  const { steps } = trainer;
  const done = (run: RunFolder, i: number, evaluation?: Evaluation): TrainedSae => ({
    cfg: run.cfg,
    runId: run.runId,
    dir: run.dir,
    steps,
    dropped: trainer.dropped(i),
    evaluation,
  });
  const [first] = runs;
  if (options.evaluate === false || first === undefined) return runs.map((run, i) => done(run, i));
  const { signal } = options;
  const { cfg } = first;
  const loading = { nWorkers: cfg.n_workers, signal, ...(options.warn && { warn: options.warn }) };
  const out: TrainedSae[] = [];
  try {
    using source = await ActivationLoader.open(cfg.data, { ...loading, order: "ordered" });
    for (const [i, run] of runs.entries()) {
      using sae = trainer.sae(i);
      const evaluation = await evaluate(sae, source, {
        batchSize: cfg.sae_batch_size,
        signal,
        onProgress: (p) =>
          options.onProgress({ phase: "evaluate", done: i * p.total + p.done, total: runs.length * p.total }),
      });
      await run.writeEvaluation(evaluation);
      out.push(done(run, i, evaluation));
    }
    return out;
  } catch (error) {
    remark(options, `training was done; the SAEs are in ${places(runs)}, ${out.length} of them evaluated`);
    throw error;
  }
}

async function addSaes(
  trainer: Trainer,
  cfgs: readonly ResolvedTrain[],
  source: ActivationLoader,
  options: GroupOptions,
): Promise<void> {
  const starts = new Starts(source, options.signal);
  try {
    for (const cfg of cfgs) {
      const nSteps = plannedSteps(source.length, cfg.sae_batch_size, cfg.n_patches);
      const start = await starts.of(cfg.sae);
      trainer.add(start, trainingOf(cfg, nSteps, options.legacySparsityWarmup ?? false));
      disposeTensors(start);
    }
  } finally {
    starts.dispose();
  }
}

/** Trains; a log that cannot be written stops it. */
async function train(
  trainer: Trainer,
  source: ActivationLoader,
  runs: readonly RunFolder[],
  options: GroupOptions,
): Promise<void> {
  const [{ cfg }] = runs as [RunFolder];
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  try {
    await trainer.run(source, {
      batchSize: cfg.sae_batch_size,
      nPatches: cfg.n_patches,
      logEvery: cfg.log_every,
      signal,
      onProgress: ({ done, total }) => options.onProgress({ phase: "train", done, total }),
      onDrop: ({ sae, step }) =>
        remark(
          options,
          `run ${runs[sae]?.runId}: after step ${step} its loss is not finite; it is dropped with the last good weights, ` +
            "the others go on. Lower its lr",
        ),
      onLog: (entry) => {
        try {
          runs[entry.sae]?.log(entry);
        } catch (error) {
          stop.abort(error);
        }
        options.onLog(entry);
      },
    });
  } catch (error) {
    await keep(trainer, runs, options);
    throw error;
  }
}

/** Saves what there is after an abort or a failure, and says where; its own failure does not hide the first. */
async function keep(trainer: Trainer, runs: readonly RunFolder[], options: GroupOptions): Promise<void> {
  try {
    const steps = trainer.steps;
    await save(trainer, runs);
    remark(options, `stopped after ${steps} steps; the state so far is in ${places(runs)}`);
  } catch (error) {
    remark(options, `stopped, and the state so far could not be saved: ${(error as Error).message}`);
  }
}

const places = (runs: readonly RunFolder[]): string => runs.map((run) => run.checkpoint).join(", ");

function remark(options: GroupOptions, message: string): void {
  if (options.warn) options.warn(message);
  else process.emitWarning(message, { code: "SAEV_TRAIN" });
}

async function save(trainer: Trainer, runs: readonly RunFolder[]): Promise<void> {
  for (const [i, run] of runs.entries()) {
    using sae = trainer.sae(i);
    const { sae: config } = run.cfg;
    const { kind: _kind, ...document } = config;
    await sae.save(run.checkpoint, document);
  }
}
