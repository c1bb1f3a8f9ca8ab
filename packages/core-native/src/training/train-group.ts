import { CheckpointSchedule } from "./checkpoint-schedule.js";
import { evaluateAll, finish, keep, remark, writeStates } from "./group-end.js";
import { halve, rungsOfParty } from "./halve.js";
import { type OpenParty, openParty } from "./open-party.js";
import type { Party } from "./parties.js";
import type { RunFolder } from "./run-folder.js";
import type { TrainedSae, TrainProgress, TrainSaesOptions } from "./train-saes.js";
import type { TrainLog } from "./trainer.js";
import { nextValidation, type TrainValidation, validate } from "./validate.js";

/** Of one party; `sae` in log entries is the position in it. */
export type GroupOptions = Omit<TrainSaesOptions, "onProgress" | "onLog" | "onStart" | "onValidation"> & {
  readonly onLog: (entry: TrainLog) => void;
  readonly onValidation: (validation: TrainValidation) => void;
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

/** Trains; evaluates and writes checkpoints when they are due. */
async function train(open: OpenParty, options: GroupOptions): Promise<void> {
  const { trainer, source, runs } = open;
  const { cfg } = runs[0]!;
  const keeps = cfg.checkpoint_keep > 0;
  const every = keeps ? cfg.checkpoint_every : 0;
  const rungs = rungsOfParty(open, options);
  const schedule = new CheckpointSchedule(keeps ? cfg.checkpoint_minutes : 0, options.checkpointRequests);
  // SAEs of one pass may ask for entries at different steps.
  const logEvery = runs.map((run) => run.cfg.log_every).reduce(commonDivisor);
  const write = metricsWriter(options);
  const onLog = (entry: TrainLog) => {
    const run = runs[entry.sae]!;
    if (entry.step % run.cfg.log_every !== 0) return;
    write(run, () => run.log(entry));
    options.onLog(entry);
  };
  try {
    for (;;) {
      await validate(open, options, write);
      await halve(open, rungs, options);
      const due = schedule.next();
      const rung = rungs.find(({ step }) => step > trainer.steps)?.step ?? 0;
      const { ended, waited } = await trainer.run(source, {
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
        pause: due,
        pauseEvery: every,
        pauseAt: earliest(rung, nextValidation(open)),
      });
      open.times.waiting += waited;
      if (ended) return;
      // At a rung the states are written before SAEs are compared.
      if (rungs.some(({ step }) => step === trainer.steps)) {
        schedule.stop();
        continue;
      }
      // First, so that the checkpoint holds that it was done.
      await validate(open, options, write);
      const asked = due.aborted || (every > 0 && trainer.steps % every === 0);
      if (!asked) {
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

/** Writes lines of metrics; what a disk refuses is said once for each run, and tried again with the next. */
function metricsWriter(options: GroupOptions): (run: RunFolder, write: () => void) => void {
  const unlogged = new Set<RunFolder>();
  return (run, write) => {
    try {
      write();
      if (unlogged.delete(run))
        remark(options, `${run.dir}: metrics are written again, with what was missing`);
    } catch (error) {
      if (!unlogged.has(run))
        remark(options, `${(error as Error).message}; training goes on, and so do attempts`);
      unlogged.add(run);
    }
  };
}

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

/** The smaller of two steps, of which 0 is none. */
const earliest = (a: number, b: number): number => (a === 0 || b === 0 ? a + b : Math.min(a, b));
