import type { ResolvedTrain } from "@saev/config";
import { SaevError } from "../errors.js";
import { TensorFile } from "../io/tensor-file.js";
import type { BatchSource } from "../loading/batch-source.js";
import type { RowScaling } from "../loading/row-scaling.js";
import type { Scaling } from "../sae/scaling.js";
import { disposeTensors } from "../sae/tensors.js";
import type { FoundRun } from "./find-runs.js";
import { readHeldOut } from "./held-out.js";
import { readStart, scalingOfState, startScaling } from "./init-from.js";
import type { Party } from "./parties.js";
import { plannedSteps } from "./plan.js";
import { changesOf } from "./run-changes.js";
import { RunFolder } from "./run-folder.js";
import { statePath } from "./run-states.js";
import { Starts } from "./starts.js";
import type { GroupOptions } from "./train-group.js";
import { Trainer } from "./trainer.js";
import { openTrainingData, type TrainingData } from "./training-data.js";
import { trainingOf } from "./training-of.js";

/** What the SAEs of one pass took together. */
export interface PartyTimes {
  /** Seconds from the first step to the last checkpoint, without evaluation. */
  training: number;
  /** Seconds of those in which a step waited for its activations: what reading ahead did not hide. */
  waiting: number;
  /** Seconds of those in which checkpoints were written, and training waited. */
  checkpoints: number;
  /** Times that checkpoints were written. */
  checkpointsWritten: number;
  /** Seconds of those in which SAEs were evaluated in the course of training, and training waited. */
  evaluations: number;
  /** Times that all were. */
  evaluationsMade: number;
}

/** A party ready to train. */
export interface OpenParty extends Disposable {
  readonly data: TrainingData;
  /** The activations to train on. */
  readonly source: BatchSource;
  /** What is evaluated on in the course of training, and what halving compares on; `undefined`: nothing. */
  readonly validation: BatchSource | undefined;
  /** The step of the last such evaluation. */
  validated: number;
  readonly trainer: Trainer;
  /** In the order of the party's jobs, as in the trainer. */
  readonly runs: readonly RunFolder[];
  /** What it cost so far to train and to write checkpoints. */
  readonly times: PartyTimes;
  /** Runs that were stopped early as the worst ones, by their positions. */
  readonly halved: Map<number, { readonly step: number; readonly reason: string }>;
  /** What kept runs from being written at the end, by their positions. */
  readonly failed: Map<number, unknown>;
}

/**
 * Opens data, trainer and run folders, where the runs were. New folders are made last, when nothing else can go wrong.
 * @throws SaevError `INVALID_ARGUMENT` when a run's activations were others, `IO` while another process trains one of the runs.
 */
export async function openParty(party: Party, options: GroupOptions): Promise<OpenParty> {
  const { jobs, orderSeed } = party;
  const { cfg } = jobs[0]!;
  const opened: Disposable[] = [];
  const runs: RunFolder[] = [];
  const dispose = () => {
    for (const run of runs) run.close();
    for (const resource of opened.toReversed()) resource[Symbol.dispose]();
  };
  try {
    for (const { found, cfg: own } of jobs) if (found) runs.push(RunFolder.open(found.dir, own));
    const data = await openTrainingData(cfg, {
      nWorkers: Math.max(...jobs.map((job) => job.cfg.n_workers)),
      seed: orderSeed,
      fresh: runs.length === 0,
      scaling: await ownScaling(party, options),
      signal: options.signal,
      warn: options.warn,
    });
    opened.push(data);
    for (const run of runs) requireSameData(run, data);
    const validation = cfg.eval_every > 0 || options.halving ? await data.validation() : undefined;
    if (validation) opened.push(validation);
    const { trainer, step } = await restored(party, data.source, options);
    opened.push(trainer);
    if (runs.length === 0) {
      for (const job of jobs)
        runs.push(
          await RunFolder.create(job.cfg, {
            orderSeed,
            data: data.fingerprint,
            together: jobs.length,
            heldOut: data.heldOut,
          }),
        );
    } else {
      for (const { found, cfg: own } of jobs) requireNotShorter(found!, own, data.source.length, step);
      for (const [i, run] of runs.entries())
        await run.goOn(step, await recordedAt(run, step), changesOf(jobs[i]!.found!.record.config, run.cfg));
    }
    for (const run of runs) run.scaling = scalingOf(data.source, data.clamp);
    for (const [i, run] of runs.entries()) trainer.name(i, `run ${run.runId}`);
    const times = {
      training: 0,
      waiting: 0,
      checkpoints: 0,
      checkpointsWritten: 0,
      evaluations: 0,
      evaluationsMade: 0,
    };
    return {
      data,
      source: data.source,
      validation,
      validated: Math.min(...runs.map((run) => run.validated)),
      trainer,
      runs,
      times,
      halved: new Map(),
      failed: new Map(),
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

const scalingOf = ({ actMean, scalar }: RowScaling, clamp: number): Scaling => ({
  actMean: actMean.toFloat32Array(),
  scalar,
  clamp,
});

/**
 * The scaling that the weights of a party are of when it begins or goes on: of a run that started from others', theirs. Otherwise, and
 * where it is not known, the data's own.
 */
async function ownScaling(
  { jobs, steps }: Party,
  options: GroupOptions,
): Promise<{ readonly scaling: Scaling; readonly of: string } | undefined> {
  const { cfg, found } = jobs[0]!;
  if (cfg.init_from === "") return undefined;
  if (found === undefined || steps.length === 0) return startScaling(cfg, { signal: options.signal });
  for (const step of steps) {
    const scaling = await scalingOfState(statePath(found.dir, step), cfg).catch(unlessDamaged);
    if (scaling) return { scaling, of: found.dir };
  }
  return undefined;
}

function unlessDamaged(error: unknown): undefined {
  if (error instanceof SaevError && error.code === "BAD_FILE") return undefined;
  throw error;
}

/** A trainer at the latest step of which all checkpoints can be read; damaged ones are passed over, and that is said. */
async function restored(
  party: Party,
  source: BatchSource,
  options: GroupOptions,
): Promise<{ trainer: Trainer; step: number }> {
  const { jobs, steps } = party;
  for (const [n, step] of steps.entries()) {
    const trainer = Trainer.create(source.dim);
    try {
      await addSaes(trainer, party, source, options, true);
      for (const [i, { found }] of jobs.entries())
        await trainer.restore(i, statePath(found!.dir, step), { signal: options.signal });
      return { trainer, step };
    } catch (error) {
      trainer.dispose();
      const before = steps[n + 1];
      if (!(error instanceof SaevError && error.code === "BAD_FILE") || before === undefined) throw error;
      options.warn?.(`${error.message}: going on from step ${before}`);
    }
  }
  const trainer = Trainer.create(source.dim);
  try {
    await addSaes(trainer, party, source, options, false);
    source.reset();
    return { trainer, step: 0 };
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}

/** @param anyStart whether a state will take the place of the parameters that they start from. */
async function addSaes(
  trainer: Trainer,
  { jobs }: Party,
  source: BatchSource,
  options: GroupOptions,
  anyStart: boolean,
): Promise<void> {
  using starts = new Starts(source, options.signal);
  for (const { cfg } of jobs) {
    const nSteps = plannedSteps(source.length, cfg.sae_batch_size, cfg.n_patches);
    const given = cfg.init_from !== "" && !anyStart;
    const tensors = given
      ? await readStart(cfg, { signal: options.signal })
      : anyStart
        ? starts.random(cfg.sae)
        : await starts.of(cfg.sae);
    try {
      trainer.add(tensors, trainingOf(cfg, nSteps, options.legacySparsityWarmup ?? false));
    } finally {
      disposeTensors(tensors);
    }
  }
}

function requireSameData(run: RunFolder, data: TrainingData): void {
  if (run.data !== data.fingerprint) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${run.dir}: the activations of ${data.name} are not those that this run was trained on; name theirs, ` +
        "or start a new run from these weights with --init-from",
    );
  }
  if (readHeldOut(run.dir)?.images.join() !== data.heldOut?.images.join()) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${run.dir}: held-out.json has other images than would be set aside now; --init-from starts a new run from these weights`,
    );
  }
}

/** A run cannot be given fewer activations than it has seen; until then it can be shortened. */
function requireNotShorter(
  { dir, record: { config: before } }: FoundRun,
  { n_patches }: ResolvedTrain,
  rows: number,
  step: number,
): void {
  if (n_patches >= before.n_patches || plannedSteps(rows, before.sae_batch_size, n_patches) >= step) return;
  throw new SaevError(
    "INVALID_ARGUMENT",
    `${dir} cannot go on: n_patches was ${before.n_patches} and cannot become ${n_patches}: it has made ${step} steps, more than that is; give more, or start a new run`,
  );
}

/** What a run had written at a step: bytes of metrics.jsonl, and which evaluation was the last. */
async function recordedAt(
  run: RunFolder,
  step: number,
): Promise<{ readonly metricsBytes: number; readonly validated: number }> {
  if (step === 0) return { metricsBytes: 0, validated: 0 };
  using file = await TensorFile.open(statePath(run.dir, step));
  const number = (name: string) => Number(file.metadata.get(name) ?? 0);
  return { metricsBytes: number("metrics_bytes"), validated: number("validated") };
}
