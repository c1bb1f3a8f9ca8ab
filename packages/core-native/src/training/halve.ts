import { evaluate } from "../evaluation/evaluate.js";
import type { EvaluationFigures } from "../evaluation/figures.js";
import { type BatchSource, MemoryLoader } from "../loading/batch-source.js";
import { writeStates } from "./group-end.js";
import { type Rung, rungsOf, worst } from "./halving.js";
import { sampleActivations } from "./initial-tensors.js";
import type { OpenParty } from "./open-party.js";
import { plannedSteps } from "./plan.js";
import { disposeEvaluation } from "./run-evaluation.js";
import { saveSae } from "./save-sae.js";
import type { GroupOptions } from "./train-group.js";

/** Activations on which SAEs are compared where none are set aside: the first of the order in which they are trained on. */
const compared = 8192;

/** When SAEs of an open party stop; none without `halving`. */
export function rungsOfParty({ runs, source }: OpenParty, { halving }: GroupOptions): Rung[] {
  if (halving === undefined) return [];
  const { sae_batch_size, n_patches } = runs[0]!.cfg;
  // As many as there were when the runs began, some of which may have stopped before.
  const n = Math.max(runs.length, ...runs.map((run) => run.together));
  return rungsOf(n, plannedSteps(source.length, sae_batch_size, n_patches), halving.rate);
}

/**
 * Stops the worst SAEs of a party that has reached a rung, each with a checkpoint, its sae.pt and the reason in run.json. What
 * was done before a process died is not done twice, and comes out the same.
 */
export async function halve(open: OpenParty, rungs: readonly Rung[], options: GroupOptions): Promise<void> {
  const { trainer, runs } = open;
  const rung = rungs.findLast(({ step }) => step <= trainer.steps);
  const going = [...runs.keys()].filter((i) => trainer.canSave(i));
  if (rung === undefined || going.length <= rung.keep) return;
  await writeStates(open, options);
  const { metric } = options.halving!;
  const { figures, on } = await compare(open, going, options);
  for (const at of worst(figures, metric, going.length - rung.keep)) {
    const i = going[at]!;
    const { mse, l0, nDead } = figures[at]!;
    const reason =
      `${metric} is among the worst ${going.length - rung.keep} of ${going.length} after ${trainer.steps} steps ` +
      `(mse ${mse.toPrecision(4)}, l0 ${l0.toPrecision(4)}, ${nDead} dead, on ${on})`;
    await saveSae(trainer, i, runs[i]!);
    await runs[i]!.note("halved", { event: "halved", step: trainer.steps, reason });
    trainer.stop(i);
    open.halved.set(i, { step: trainer.steps, reason });
  }
}

/** Figures of some SAEs: on what is set aside, and where nothing is, on the first of what they are trained on. */
async function compare(
  { trainer, source, validation }: OpenParty,
  saes: readonly number[],
  { signal }: GroupOptions,
): Promise<{ figures: EvaluationFigures[]; on: string }> {
  using sample = validation ? undefined : await firstRows(source, signal);
  const rows = validation ?? sample!;
  const figures: EvaluationFigures[] = [];
  for (const i of saes) {
    using sae = trainer.sae(i);
    const evaluation = await evaluate(sae, rows, { signal });
    disposeEvaluation(evaluation);
    figures.push(evaluation);
  }
  return { figures, on: `${rows.length} activations${validation ? " that are set aside" : ""}` };
}

async function firstRows(source: BatchSource, signal: AbortSignal | undefined): Promise<MemoryLoader> {
  source.reset();
  const n = Math.min(compared, source.length);
  const { mean, rows } = await sampleActivations(source, { n, k: n, signal });
  mean.dispose();
  try {
    return MemoryLoader.create(rows);
  } finally {
    rows.dispose();
  }
}
