import type { EvaluationFigures } from "../evaluation/figures.js";

/** By what SAEs of a sweep are compared; lower is better. */
export const halvingMetrics = ["mse", "l0", "dead", "frontier"] as const;
export type HalvingMetric = (typeof halvingMetrics)[number];

/**
 * Successive halving (Jamieson & Talwalkar 2016): of SAEs that are trained together, the worse part stops at each of some steps, so
 * that most of the time goes to the better ones.
 */
export interface Halving {
  /**
   * `mse`: error of the reconstruction. `l0`: active latents. `dead`: latents that never fire. `frontier`: how many others have
   * both a lower error and fewer active latents, then the error: for sweeps over sparsity, where neither alone says which is better.
   */
  readonly metric: HalvingMetric;
  /** One in so many goes on at each of the steps; default 2. */
  readonly rate?: number;
}

/** After `step` steps, `keep` go on. */
export interface Rung {
  readonly step: number;
  readonly keep: number;
}

/**
 * When how many of `n` SAEs go on in a training of `steps` steps: ⌈n / rate⌉ after steps / rateᴷ, ⌈n / rate²⌉ after
 * steps / rateᴷ⁻¹, … one after steps / rate.
 */
export function rungsOf(n: number, steps: number, rate = 2): Rung[] {
  let k = 0;
  while (rate ** k < n) k++;
  return Array.from({ length: k }, (_, i) => ({
    step: Math.floor(steps / rate ** (k - i)),
    keep: Math.ceil(n / rate ** (i + 1)),
  })).filter(({ step }) => step > 0);
}

/** The positions of the worst `stop` of some SAEs, worst first. Of equal ones the later stops. */
export function worst(figures: readonly EvaluationFigures[], metric: HalvingMetric, stop: number): number[] {
  // What is no number is worse than any.
  const number = (x: number) => (Number.isNaN(x) ? Number.POSITIVE_INFINITY : x);
  const better = (a: EvaluationFigures, b: EvaluationFigures) => a.mse < b.mse && a.l0 < b.l0;
  const score = (f: EvaluationFigures): readonly number[] => {
    if (metric === "mse") return [number(f.mse)];
    if (metric === "l0") return [number(f.l0), number(f.mse)];
    if (metric === "dead") return [f.nDead, number(f.mse)];
    return [figures.filter((other) => better(other, f)).length, number(f.mse)];
  };
  const scores = figures.map(score);
  const order = [...figures.keys()].sort((a, b) => {
    const at = scores[a]!.findIndex((s, i) => s !== scores[b]![i]);
    return at < 0 ? b - a : scores[b]![at]! - scores[a]![at]!;
  });
  return order.slice(0, Math.max(0, stop));
}
