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

/**
 * Value that a linear warm-up uses in step `step` ≥ 1: `initial` in the first, `final` from step `nSteps` + 1 on.
 */
export function warmup(initial: number, final: number, nSteps: number, step: number): number {
  return callSync(() => addon().warmup(initial, final, nSteps, step));
}

/**
 * (x̂ − x)² per entry, float32 [rows, dim], scaled by the largest |x| before squaring so that very large and very small
 * inputs survive; NaN where x is all zero.
 * @param norm divide by each row's ‖x‖.
 */
export function meanSquaredErr(xHat: Tensor, x: Tensor, norm = false): Tensor {
  return Tensor.fromHandle(callSync(() => addon().meanSquaredErr(xHat.handle, x.handle, norm)));
}
