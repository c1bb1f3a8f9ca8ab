import type { BatchSource } from "../loading/batch-source.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { fromNativeParams, type SaeTensors } from "../sae/tensors.js";
import { Tensor } from "../tensor.js";

/**
 * Where training starts: He-uniform weights with the Python package's bounds, √(6 / d_sae) for W_enc and √(6 / d_vit)
 * for W_dec, biases 0. The same seed gives the same bits on every machine.
 * @param options.tied start from W_dec's rows at unit norm and W_enc their transpose; default false.
 * @param options.bDec b_dec to start from, float32 [d_vit], for instance {@link meanActivation}; default zero.
 */
export function initialTensors(
  dVit: number,
  dSae: number,
  options: { readonly seed?: number; readonly bDec?: Tensor; readonly tied?: boolean } = {},
): SaeTensors {
  const start = fromNativeParams(
    callSync(() => addon().initialParams(dVit, dSae, options.seed ?? 0, options.tied ?? false)),
  );
  if (options.bDec === undefined) return start;
  start.bDec.dispose();
  return { ...start, bDec: options.bDec };
}

/**
 * Mean of the first `n` rows that `source` yields, float32 [d_vit]. The source is left behind them: `reset()` it.
 * @throws SaevError `INVALID_ARGUMENT` when an epoch has fewer rows, `NUMERIC` when a value is not finite.
 */
export async function meanActivation(
  source: BatchSource,
  n: number,
  options?: LongCallOptions,
): Promise<Tensor> {
  return Tensor.fromHandle(
    await callAsync(options, (control) => addon().meanOfRows(source.handle, n, control)),
  );
}
