import type { OpenParty } from "./open-party.js";
import { evaluateInTraining, type RunEvaluation } from "./run-evaluation.js";
import type { RunFolder } from "./run-folder.js";
import { statesOf } from "./run-states.js";
import { saveLastGood, saveSae } from "./save-sae.js";
import type { GroupOptions } from "./train-group.js";
import type { TrainedSae } from "./train-saes.js";

/** Writes a checkpoint of each run. One that cannot be written is reported, and the others are; training goes on. */
export async function writeStates({ trainer, runs, times }: OpenParty, options: GroupOptions): Promise<void> {
  const begin = performance.now();
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
  times.checkpoints += (performance.now() - begin) / 1e3;
  times.checkpointsWritten += 1;
}

/** The last checkpoint, and the SAEs themselves. One that cannot be written is noted in `failed`, and the others are. */
export async function finish(open: OpenParty, options: GroupOptions): Promise<void> {
  const { trainer, runs, failed } = open;
  if (runs[0]!.cfg.checkpoint_keep > 0) await writeStates(open, options);
  // What only steps need makes room for the copies that are saved and evaluated.
  for (const i of runs.keys()) trainer.stop(i);
  for (const [i, run] of runs.entries()) {
    try {
      await save(open, i, run);
    } catch (error) {
      failed.set(i, error);
    }
  }
  if (failed.size === runs.length) throw failed.get(0);
}

/** Writes sae.pt: of a run that was dropped that of its last checkpoint, if there is one. @returns whether it is there. */
async function save({ trainer, halved }: OpenParty, i: number, run: RunFolder): Promise<boolean> {
  if (halved.has(i)) return true; // written when it stopped
  if (trainer.dropped(i) !== undefined) return (await saveLastGood(run)) !== undefined;
  await saveSae(trainer, i, run);
  return true;
}

/** Keeps what there is after an abort or a failure, and says where; its own failure does not hide the first. */
export async function keep(open: OpenParty, options: GroupOptions, reason: unknown): Promise<void> {
  const { trainer, runs } = open;
  const { steps } = trainer;
  if (runs[0]!.cfg.checkpoint_keep > 0) await writeStates(open, options);
  const kept: string[] = [];
  for (const [i, run] of runs.entries()) {
    if (open.halved.has(i)) continue;
    const how = trainer.dropped(i) === undefined ? "stopped" : "diverged";
    try {
      if (await save(open, i, run)) kept.push(run.checkpoint);
      await run.note(how, { event: how, step: steps, reason: (reason as Error).message });
    } catch (error) {
      remark(
        options,
        `${run.dir}: stopped, and the state so far could not be saved: ${(error as Error).message}`,
      );
    }
  }
  if (kept.length === 0) return;
  const goesOn = runs.some((run, i) => trainer.dropped(i) === undefined && statesOf(run.dir).length > 0);
  const how = goesOn ? "the same command goes on from there" : "there is no checkpoint to go on from";
  remark(options, `stopped after ${steps} steps; the state so far is in ${kept.join(", ")}; ${how}`);
}

/**
 * Evaluates the SAEs that came through, and writes down how each run ended.
 * @throws what kept the first of those from being written that could not be.
 */
export async function evaluateAll(
  { data, trainer, runs, halved, failed, times }: OpenParty,
  begun: number,
  options: GroupOptions,
): Promise<TrainedSae[]> {
  const { steps } = trainer;
  const done = async (run: RunFolder, i: number, evaluation?: RunEvaluation): Promise<TrainedSae> => {
    const why = trainer.dropped(i);
    const last = statesOf(run.dir).at(-1);
    const left = last
      ? `its sae.pt is that of step ${last.step}`
      : "it had no checkpoint yet and leaves no sae.pt";
    const dropped = why && `${why}; ${left}`;
    const how = dropped === undefined ? "finished" : "diverged";
    if (!halved.has(i))
      await run.note(how, { event: how, step: steps, ...(dropped !== undefined && { reason: dropped }) });
    const resumedAt = begun > 0 ? begun : undefined;
    return {
      cfg: run.cfg,
      runId: run.runId,
      dir: run.dir,
      steps: halved.get(i)?.step ?? steps,
      resumedAt,
      doneBefore: false,
      dropped,
      halved: halved.get(i)?.reason,
      times,
      evaluation,
    };
  };
  for (const [i, error] of failed) {
    const reason = (error as Error).message;
    await runs[i]!.note("stopped", { event: "stopped", step: steps, reason }).catch((cause: Error) =>
      remark(options, cause.message),
    );
  }
  const out: TrainedSae[] = [];
  const all = () => {
    for (const error of failed.values()) throw error;
    return out;
  };
  if (options.evaluate === false) {
    for (const [i, run] of runs.entries()) if (!failed.has(i)) out.push(await done(run, i));
    return all();
  }
  const { signal } = options;
  try {
    using source = await data.evaluation();
    for (const [i, run] of runs.entries()) {
      if (failed.has(i)) continue;
      if (trainer.dropped(i) !== undefined || halved.has(i)) {
        out.push(await done(run, i));
        continue;
      }
      const evaluation = await evaluateInTraining(trainer, i, source, run.cfg, {
        signal,
        onProgress: (p) =>
          options.onProgress({ phase: "evaluate", done: i * p.total + p.done, total: runs.length * p.total }),
      });
      await run.writeEvaluation(evaluation);
      out.push(await done(run, i, evaluation));
    }
  } catch (error) {
    const places = runs.flatMap((run, i) => (failed.has(i) ? [] : [run.checkpoint])).join(", ");
    remark(options, `training was done; the SAEs are in ${places}, ${out.length} of them evaluated`);
    throw error;
  }
  return all();
}

/** Says something in passing. */
export function remark(options: Pick<GroupOptions, "warn">, message: string): void {
  if (options.warn) options.warn(message);
  else process.emitWarning(message, { code: "SAEV_TRAIN" });
}
