import { callSync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativePositionInterpolation } from "../native/vision-model.js";
import { Tensor } from "../tensor.js";

/**
 * Positional embeddings for another grid, as dinov2 resamples them (bicubic).
 * @param table float32 [side², d], row by row from the top left.
 * @param to the new grid in patches; `antialias` and `offset` as in the model's constructor.
 * @returns float32 [rows · columns, d].
 * @throws SaevError `INVALID_ARGUMENT` for a table that is no square, a grid without patches, an offset outside [0, 1).
 */
export function interpolatePositions(table: Tensor, to: NativePositionInterpolation): Tensor {
  return Tensor.fromHandle(callSync(() => addon().interpolatePositions(table.handle, to)));
}
