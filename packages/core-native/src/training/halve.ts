import { evaluate } from "../evaluation/evaluate.js";
import type { Evaluation } from "../evaluation/figures.js";
import { MemoryLoader } from "../loading/batch-source.js";
import { writeStates } from "./group-end.js";
import { type Rung, rungsOf, worst } from "./halving.js";
import { sampleActivations } from "./initial-tensors.js";
import type { OpenParty } from "./open-party.js";
import { plannedSteps } from "./plan.js";
import { saveSae } from "./save-sae.js";
import type { GroupOptions } from "./train-group.js";

/** Activations on which SAEs are compared: the first of the order in which they are trained on. */
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
  const { trainer, runs, source } = open;
  const rung = rungs.findLast(({ step }) => step <= trainer.steps);
  const going = [...runs.keys()].filter((i) => trainer.canSave(i));
  if (rung === undefined || going.length <= rung.keep) return;
  await writeStates(open, options);
  const { halving, signal } = options;
  const { metric } = halving!;
  source.reset();
  const n = Math.min(compared, source.length);
  const { mean, rows } = await sampleActivations(source, { n, k: n, signal });
  mean.dispose();
  const figures: Evaluation[] = [];
  try {
    using sample = MemoryLoader.create(rows);
    for (const i of going) {
      using sae = trainer.sae(i);
      figures.push(await evaluate(sae, sample, { signal }));
    }
  } finally {
    rows.dispose();
    for (const { freqs, meanValues } of figures) {
      freqs.dispose();
      meanValues.dispose();
    }
  }
  for (const at of worst(figures, metric, going.length - rung.keep)) {
    const i = going[at]!;
    const { mse, l0, nDead } = figures[at]!;
    const reason =
      `${metric} is among the worst ${going.length - rung.keep} of ${going.length} after ${trainer.steps} steps ` +
      `(mse ${mse.toPrecision(4)}, l0 ${l0.toPrecision(4)}, ${nDead} dead, on ${n} activations)`;
    await saveSae(trainer, i, runs[i]!);
    await runs[i]!.note("halved", { event: "halved", step: trainer.steps, reason });
    trainer.stop(i);
    open.halved.set(i, { step: trainer.steps, reason });
  }
}
