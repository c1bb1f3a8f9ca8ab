import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Tensor } from "../tensor.js";

/**
 * The first `count` entries (default: all) of `numpy.random.default_rng(seed).permutation(n)`, int64. It takes
 * 4 bytes × n of memory while it runs.
 */
export async function numpyPermutation(
  seed: number,
  n: number,
  options: LongCallOptions & { readonly count?: number } = {},
): Promise<Tensor> {
  return Tensor.fromHandle(
    await callAsync(options, (control) => addon().numpyPermutation(control, seed, n, options.count ?? n)),
  );
}
