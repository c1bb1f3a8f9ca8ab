import { CheckpointSchedule } from "./checkpoint-schedule.js";
import { evaluateAll, finish, keep, remark, writeStates } from "./group-end.js";
import { halve, rungsOfParty } from "./halve.js";
import { type OpenParty, openParty } from "./open-party.js";
import type { Party } from "./parties.js";
import type { RunFolder } from "./run-folder.js";
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
  const start = performance.now();
  try {
    await train(open, options);
    await finish(open, options);
    open.times.training = (performance.now() - start) / 1e3;
  } catch (error) {
    await keep(open, options, error);
    throw error;
  }
  return await evaluateAll(open, begun, options);
}

/** Trains; writes checkpoints when they are due. */
async function train(open: OpenParty, options: GroupOptions): Promise<void> {
  const { trainer, source, runs } = open;
  const { cfg } = runs[0]!;
  const keeps = cfg.checkpoint_keep > 0;
  const rungs = rungsOfParty(open, options);
  const schedule = new CheckpointSchedule(keeps ? cfg.checkpoint_minutes : 0, options.checkpointRequests);
  const unlogged = new Set<RunFolder>();
  // SAEs of one pass may ask for entries at different steps.
  const logEvery = runs.map((run) => run.cfg.log_every).reduce(commonDivisor);
  const onLog = (entry: TrainLog) => {
    const run = runs[entry.sae]!;
    if (entry.step % run.cfg.log_every !== 0) return;
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
      await halve(open, rungs, options);
      const { ended } = await trainer.run(source, {
        batchSize: cfg.sae_batch_size,
        nPatches: cfg.n_patches,
        logEvery,
        signal: options.signal,
        onProgress: ({ done, total }) => options.onProgress({ phase: "train", done, total }),
        onLog,
        onDrop: ({ sae, step }) =>
          remark(
            options,
            `run ${runs[sae]?.runId}: after step ${step} its loss is not finite; it is dropped, the others go on. Lower its lr`,
          ),
        pause: schedule.next(),
        pauseEvery: keeps ? cfg.checkpoint_every : 0,
        pauseAt: rungs.find(({ step }) => step > trainer.steps)?.step ?? 0,
      });
      if (ended) return;
      // At a rung the states are written before SAEs are compared.
      if (rungs.some(({ step }) => step === trainer.steps)) {
        schedule.stop();
        continue;
      }
      await schedule.write(async () => {
        if (keeps) await writeStates(open, options);
      });
    }
  } finally {
    schedule.stop();
  }
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
