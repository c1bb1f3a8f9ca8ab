import type { BatchSource } from "../loading/batch-source.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { fromNativeParams, type SaeTensors } from "../sae/tensors.js";
import { Tensor } from "../tensor.js";

/** Mean and sample of some activations. */
export interface RowSample {
  /** float32 [d_vit]. */
  readonly mean: Tensor;
  /** float32 [n, d_vit], drawn without replacement. */
  readonly rows: Tensor;
}

export interface InitialTensorsOptions {
  /** Default 0. The same seed gives the same bits on every machine. */
  readonly seed?: number;
  /** b_dec to start from, float32 [d_vit], for instance {@link meanActivation}; default zero. */
  readonly bDec?: Tensor;
  /** Start from W_dec's rows at unit norm and W_enc their transpose; default false. */
  readonly tied?: boolean;
  /** Of a jump-relu SAE: every latent's threshold. */
  readonly threshold?: number;
  /** Whether it is a gated SAE: gate and magnitude start as the same. */
  readonly gated?: boolean;
  /** Start W_dec's rows from data; see {@link blendRows}. Default: from random numbers alone. */
  readonly blend?: RowSample & { readonly share: number };
}

/**
 * Where training starts: He-uniform weights with the Python package's bounds, √(6 / d_sae) for W_enc and √(6 / d_vit)
 * for W_dec, biases 0.
 */
export function initialTensors(dVit: number, dSae: number, options: InitialTensorsOptions = {}): SaeTensors {
  const { blend } = options;
  const start = fromNativeParams(
    callSync(() =>
      addon().initialParams(
        dVit,
        dSae,
        options.seed ?? 0,
        options.tied ?? false,
        blend?.rows.handle ?? null,
        blend?.mean.handle ?? null,
        blend?.share ?? 0,
      ),
    ),
  );
  const filled = (value: number) => Tensor.from(new Float32Array(dSae).fill(value));
  if (options.bDec !== undefined) start.bDec.dispose();
  return {
    ...start,
    ...(options.bDec !== undefined && { bDec: options.bDec }),
    ...(options.threshold !== undefined && { threshold: filled(options.threshold) }),
    ...(options.gated && { rMag: filled(0), bMag: filled(0) }),
  };
}

/**
 * Rows of W_dec started from data: row j becomes share · (rows[j mod n] − mean) + (1 − share) · row j, at unit norm, as the
 * Python package of March 2026 has it (there `reinit_blend`, 0.8).
 * @param wDec float32 [d_sae, d_vit].
 */
export function blendRows(wDec: Tensor, sample: RowSample, share: number): Tensor {
  return Tensor.fromHandle(
    callSync(() => addon().blendRows(wDec.handle, sample.rows.handle, sample.mean.handle, share)),
  );
}

/**
 * Mean of the first `n` rows that `source` yields, and `k` of them (all, when there are fewer) drawn without replacement.
 * The source is left behind them: `reset()` it.
 * @throws SaevError `INVALID_ARGUMENT` when an epoch has fewer rows, `NUMERIC` when a value is not finite.
 */
export async function sampleActivations(
  source: BatchSource,
  options: LongCallOptions & { readonly n: number; readonly k: number; readonly seed?: number },
): Promise<RowSample> {
  const { n, k, seed = 0 } = options;
  const native = await callAsync(options, (control) =>
    addon().sampleRows(source.handle, n, k, seed, control),
  );
  return { mean: Tensor.fromHandle(native.mean), rows: Tensor.fromHandle(native.rows) };
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
  const { mean, rows } = await sampleActivations(source, { ...options, n, k: 0 });
  rows.dispose();
  return mean;
}
