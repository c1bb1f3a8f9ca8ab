import { SaevError } from "../errors.js";
import { remark } from "./group-end.js";
import type { OpenParty } from "./open-party.js";
import { disposeEvaluation, evaluateInTraining, type RunEvaluation } from "./run-evaluation.js";
import type { RunFolder } from "./run-folder.js";
import type { GroupOptions } from "./train-group.js";

/** An evaluation in the course of training, on activations that are not trained on. */
export interface TrainValidation {
  readonly sae: number;
  readonly step: number;
  /** Its tensors are freed when the callback returns. */
  readonly evaluation: RunEvaluation;
}

/** The step of a party's next evaluation; 0: there is none. */
export function nextValidation({ trainer, runs, validation }: OpenParty): number {
  const { eval_every: every } = runs[0]!.cfg;
  return validation && every > 0 ? (Math.floor(trainer.steps / every) + 1) * every : 0;
}

/**
 * Evaluates each SAE of a party that is trained still, where that is due at the step that the party is at and was not done.
 * Training does not notice: neither weights nor the place in its data change. An SAE that cannot be measured, and data that cannot
 * be read, are reported; training goes on.
 * @param log writes a line of a run's metrics.
 */
export async function validate(
  open: OpenParty,
  options: GroupOptions,
  log: (run: RunFolder, write: () => void) => void,
): Promise<void> {
  const { trainer, runs, validation, times } = open;
  const { steps: step } = trainer;
  const { eval_every: every } = runs[0]!.cfg;
  if (!validation || every === 0 || step === 0 || step % every !== 0 || open.validated >= step) return;
  const begin = performance.now();
  const found = new Map<number, RunEvaluation>();
  const { signal } = options;
  try {
    for (const [i, run] of runs.entries()) {
      if (!trainer.canSave(i)) continue;
      try {
        found.set(i, await evaluateInTraining(trainer, i, validation, run.cfg, { signal }));
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof SaevError)) throw error;
        remark(options, `${run.dir}: not evaluated after step ${step}: ${error.message}; training goes on`);
      }
    }
    // Written all or none, so that a run that goes on from here knows which it was.
    open.validated = step;
    for (const [i, evaluation] of found) {
      const run = runs[i]!;
      run.validated = step;
      log(run, () => run.logValidation(step, evaluation));
      options.onValidation({ sae: i, step, evaluation });
    }
  } finally {
    for (const evaluation of found.values()) disposeEvaluation(evaluation);
    times.evaluations += (performance.now() - begin) / 1e3;
    times.evaluationsMade += 1;
  }
}
