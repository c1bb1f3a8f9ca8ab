import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Tensor } from "../tensor.js";

export interface NearestRowsOptions extends LongCallOptions {
  /** Leave row i of `b` out for row i of `a`: neighbours within one matrix. Default false. */
  readonly skipSelf?: boolean | undefined;
}

/**
 * For each row of `a` the `k` rows of `b` with the largest cosine, best first, equals by number: neighbours among decoder
 * directions, and the latents of two SAEs that match. A row of zeros has cosine 0 with every other.
 * @param a float32 `[n, d]`. @param b float32 `[m, d]`. @param k cut to what there is.
 * @returns `index` int32 and `cosine` float32, `[n, k]`.
 * @throws SaevError `SHAPE_MISMATCH`, `INVALID_ARGUMENT`.
 */
export async function nearestRows(
  a: Tensor,
  b: Tensor,
  k: number,
  options: NearestRowsOptions = {},
): Promise<{ readonly index: Tensor; readonly cosine: Tensor }> {
  const found = await callAsync(options, (control) =>
    addon().nearestRows(a.handle, b.handle, k, options.skipSelf ?? false, control),
  );
  return { index: Tensor.fromHandle(found.index), cosine: Tensor.fromHandle(found.cosine) };
}
