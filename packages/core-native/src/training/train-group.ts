import { evaluate } from "../evaluation/evaluate.js";
import type { Evaluation } from "../evaluation/figures.js";
import { ActivationLoader } from "../loading/activation-loader.js";
import { CheckpointSchedule } from "./checkpoint-schedule.js";
import { type OpenParty, openParty } from "./open-party.js";
import type { Party } from "./parties.js";
import type { RunFolder } from "./run-folder.js";
import { saveSae } from "./save-sae.js";
import type { TrainedSae, TrainProgress, TrainSaesOptions } from "./train-saes.js";
import type { TrainLog } from "./trainer.js";

/** Of one party; `sae` in log entries is the position in it. */
export type GroupOptions = Omit<TrainSaesOptions, "onProgress" | "onLog" | "onStart"> & {
  readonly onLog: (entry: TrainLog) => void;
  readonly onProgress: (p: Omit<TrainProgress, "group" | "groups">) => void;
  /** Called when a run is open, before its first step. */
  readonly onOpen: (i: number, run: RunFolder, step: number) => void;
};

/**
 * Trains a party from where it is to its end, and evaluates it. After an abort or an error all that can be kept is, as a
 * checkpoint and as sae.pt.
 */
export async function trainParty(party: Party, options: GroupOptions): Promise<TrainedSae[]> {
  using open = await openParty(party, options);
  const begun = open.trainer.steps;
  for (const [i, run] of open.runs.entries()) options.onOpen(i, run, begun);
  try {
    await train(open, options);
    await finish(open, options);
  } catch (error) {
    await keep(open, options, error);
    throw error;
  }
  return await evaluateAll(open, begun, options);
}

/** Trains; writes checkpoints when they are due. */
async function train({ trainer, source, runs }: OpenParty, options: GroupOptions): Promise<void> {
  const { cfg } = runs[0]!;
  const keeps = cfg.checkpoint_keep > 0;
  const schedule = new CheckpointSchedule(keeps ? cfg.checkpoint_minutes : 0, options.checkpointRequests);
  const unlogged = new Set<RunFolder>();
  const onLog = (entry: TrainLog) => {
    const run = runs[entry.sae]!;
    try {
      run.log(entry);
      if (unlogged.delete(run))
        remark(options, `${run.dir}: metrics are written again, with what was missing`);
    } catch (error) {
      if (!unlogged.has(run))
        remark(options, `${(error as Error).message}; training goes on, and so do attempts`);
      unlogged.add(run);
    }
    options.onLog(entry);
  };
  try {
    for (;;) {
      const { ended } = await trainer.run(source, {
        batchSize: cfg.sae_batch_size,
        nPatches: cfg.n_patches,
        logEvery: cfg.log_every,
        signal: options.signal,
        onProgress: ({ done, total }) => options.onProgress({ phase: "train", done, total }),
        onLog,
        onDrop: ({ sae, step }) =>
          remark(
            options,
            `run ${runs[sae]?.runId}: after step ${step} its loss is not finite; it is dropped with the last good weights, ` +
              "the others go on. Lower its lr",
          ),
        pause: schedule.next(),
        pauseEvery: keeps ? cfg.checkpoint_every : 0,
      });
      if (ended) return;
      await schedule.write(async () => {
        if (keeps) await writeStates({ trainer, runs }, options);
      });
    }
  } finally {
    schedule.stop();
  }
}

/** Writes a checkpoint of each run. One that cannot be written is reported, and the others are; training goes on. */
async function writeStates(
  { trainer, runs }: Pick<OpenParty, "trainer" | "runs">,
  options: GroupOptions,
): Promise<number> {
  const written: RunFolder[] = [];
  for (const [i, run] of runs.entries()) {
    if (!trainer.canSave(i)) continue;
    try {
      await run.writeState(trainer, i);
      written.push(run);
    } catch (error) {
      remark(
        options,
        `no checkpoint of ${run.dir} after ${trainer.steps} steps: ${(error as Error).message}; earlier ones are kept`,
      );
    }
  }
  for (const run of written) await run.prune();
  return written.length;
}

/** The last checkpoint, and the SAEs themselves. */
async function finish(open: OpenParty, options: GroupOptions): Promise<void> {
  const { trainer, runs } = open;
  if (runs[0]!.cfg.checkpoint_keep > 0) await writeStates(open, options);
  for (const [i, run] of runs.entries()) await saveSae(trainer, i, run);
}

/** Keeps what there is after an abort or a failure, and says where; its own failure does not hide the first. */
async function keep(open: OpenParty, options: GroupOptions, reason: unknown): Promise<void> {
  const { trainer, runs } = open;
  const { steps } = trainer;
  const states = runs[0]!.cfg.checkpoint_keep > 0 ? await writeStates(open, options) : 0;
  const kept: string[] = [];
  for (const [i, run] of runs.entries()) {
    try {
      await saveSae(trainer, i, run);
      kept.push(run.checkpoint);
      await run.note(trainer.canSave(i) ? "stopped" : "diverged", {
        event: trainer.canSave(i) ? "stopped" : "diverged",
        step: steps,
        reason: (reason as Error).message,
      });
    } catch (error) {
      remark(
        options,
        `${run.dir}: stopped, and the state so far could not be saved: ${(error as Error).message}`,
      );
    }
  }
  if (kept.length === 0) return;
  const how = states > 0 ? "the same command goes on from there" : "there is no checkpoint to go on from";
  remark(options, `stopped after ${steps} steps; the state so far is in ${kept.join(", ")}; ${how}`);
}

async function evaluateAll(
  { trainer, runs }: OpenParty,
  begun: number,
  options: GroupOptions,
): Promise<TrainedSae[]> {
  const { steps } = trainer;
  const done = async (run: RunFolder, i: number, evaluation?: Evaluation): Promise<TrainedSae> => {
    const dropped = trainer.dropped(i);
    const how = dropped === undefined ? "finished" : "diverged";
    await run.note(how, { event: how, step: steps, ...(dropped !== undefined && { reason: dropped }) });
    const resumedAt = begun > 0 ? begun : undefined;
    return {
      cfg: run.cfg,
      runId: run.runId,
      dir: run.dir,
      steps,
      resumedAt,
      doneBefore: false,
      dropped,
      evaluation,
    };
  };
  const out: TrainedSae[] = [];
  if (options.evaluate === false) {
    for (const [i, run] of runs.entries()) out.push(await done(run, i));
    return out;
  }
  const { signal, warn } = options;
  const { cfg } = runs[0]!;
  try {
    using source = await ActivationLoader.open(cfg.data, {
      nWorkers: cfg.n_workers,
      signal,
      ...(warn && { warn }),
      order: "ordered",
    });
    for (const [i, run] of runs.entries()) {
      using sae = trainer.sae(i);
      const evaluation = await evaluate(sae, source, {
        batchSize: cfg.sae_batch_size,
        signal,
        onProgress: (p) =>
          options.onProgress({ phase: "evaluate", done: i * p.total + p.done, total: runs.length * p.total }),
      });
      await run.writeEvaluation(evaluation);
      out.push(await done(run, i, evaluation));
    }
    return out;
  } catch (error) {
    const places = runs.map((run) => run.checkpoint).join(", ");
    remark(options, `training was done; the SAEs are in ${places}, ${out.length} of them evaluated`);
    throw error;
  }
}

function remark(options: GroupOptions, message: string): void {
  if (options.warn) options.warn(message);
  else process.emitWarning(message, { code: "SAEV_TRAIN" });
}
