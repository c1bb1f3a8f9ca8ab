import { callSync } from "../native/call.js";
import { addon } from "../native/load.js";
import { Tensor } from "../tensor.js";

/**
 * Rows of each batch of a run over data of `nRows` activations, counted as {@link Trainer.run} counts.
 * @param most at most so many batches.
 */
export function plannedBatches(
  nRows: number,
  batchSize: number,
  nPatches: number,
  most = Number.MAX_SAFE_INTEGER,
): number[] {
  return callSync(() => addon().plannedBatches(nRows, batchSize, nPatches, most));
}

/** Number of batches of such a run. */
export function plannedSteps(nRows: number, batchSize: number, nPatches: number): number {
  return callSync(() => addon().plannedSteps(nRows, batchSize, nPatches));
}

/**
 * Learning rate that {@link Trainer} uses in step `step` ≥ 1: a linear warm-up from 0 to `peak`, then constant, or in a line
 * or half a cosine to 0 at step `nSteps` + 1.
 */
export function learningRate(
  options: {
    readonly peak: number;
    readonly nWarmup: number;
    readonly decay?: "constant" | "linear" | "cosine";
    readonly nSteps?: number;
  },
  step: number,
): number {
  const { peak, nWarmup, decay = "constant", nSteps = 0 } = options;
  return callSync(() => addon().learningRate(peak, nWarmup, decay, nSteps, step));
}

/**
 * Value that a linear warm-up uses in step `step` ≥ 1: `initial` in the first, `final` from step `nSteps` + 1 on.
 */
export function warmup(initial: number, final: number, nSteps: number, step: number): number {
  return callSync(() => addon().warmup(initial, final, nSteps, step));
}

/**
 * Value that a linear warm-up to `peak` over `nWarmup` steps, then half a cosine to `final` at `nSteps`, uses in step
 * `step` ≥ 1; `initial` in the first.
 */
export function warmupCosine(
  options: {
    readonly initial: number;
    readonly nWarmup: number;
    readonly peak: number;
    readonly nSteps: number;
    readonly final: number;
  },
  step: number,
): number {
  const { initial, nWarmup, peak, nSteps, final } = options;
  return callSync(() => addon().warmupCosine(initial, nWarmup, peak, nSteps, final, step));
}

/**
 * Matryoshka prefixes of one step: `n` ascending lengths, the last one `dSae`.
 * @param draw how lengths l are drawn: `published` p(l) ∝ √l − √(l − 1), `python-package` p(l) ∝ 1/√(l − 1) − 1/√l.
 */
export function drawPrefixes(
  dSae: number,
  n: number,
  options: {
    readonly draw?: "published" | "python-package";
    readonly seed?: number;
    readonly step?: number;
  } = {},
): number[] {
  const published = (options.draw ?? "published") === "published";
  return callSync(() => addon().drawPrefixes(dSae, n, published, options.seed ?? 0, options.step ?? 1));
}

/**
 * (x̂ − x)² per entry, float32 [rows, dim], scaled by the largest |x| before squaring so that very large and very small
 * inputs survive; NaN where x is all zero.
 * @param norm divide by each row's ‖x‖.
 */
export function meanSquaredErr(xHat: Tensor, x: Tensor, norm = false): Tensor {
  return Tensor.fromHandle(callSync(() => addon().meanSquaredErr(xHat.handle, x.handle, norm)));
}
