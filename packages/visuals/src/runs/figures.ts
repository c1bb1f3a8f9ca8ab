import type { Run } from "../explorer/api.js";

/** A number that runs are compared by. */
export interface Figure {
  readonly key: string;
  readonly name: string;
  /** Whether more is better; undefined where neither is. */
  readonly higher?: boolean;
}

/** Of the evaluation, or, while there is none, of the last step. */
export const figures: readonly Figure[] = [
  { key: "l0", name: "L0", higher: false },
  { key: "l1", name: "L1", higher: false },
  { key: "mse", name: "MSE", higher: false },
  { key: "normalized_mse", name: "normalised MSE", higher: false },
  { key: "explained_variance", name: "explained variance", higher: true },
  { key: "n_dead", name: "dead latents", higher: false },
  { key: "n_almost_dead", name: "almost dead latents", higher: false },
  { key: "n_dense", name: "dense latents", higher: false },
];

export function figureOf(run: Run, key: string): number {
  const value = run.evaluation?.[key] ?? run.last?.[key];
  return typeof value === "number" ? value : Number.NaN;
}

/** Where in training a run is. */
export function stateOfRun(run: Run): string {
  if (run.evaluation) return "finished";
  return run.last ? `step ${run.last.step}` : "started";
}
