import type { BatchSource } from "../loading/batch-source.js";
import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { type Evaluation, type EvaluationThresholds, fromNativeEvaluation, thresholdsOf } from "./figures.js";

export interface EvaluateOptions extends LongCallOptions, EvaluationThresholds {
  /** Activations at a time. Default 16384. */
  readonly batchSize?: number;
  /** l0, l1 and mse as means of batch means, as the Python package of June 2025 has them. Default false. */
  readonly batchMeans?: boolean;
  /** Lengths, ascending and below d_sae, of which the first latents are measured alone too. Default none. */
  readonly prefixes?: readonly number[];
}

/**
 * Runs `sae` over one epoch of `source`, from its beginning. Progress counts activations.
 * @throws SaevError `SHAPE_MISMATCH` for data of another width, `NUMERIC` when it holds a NaN or an infinity,
 * `INVALID_ARGUMENT` for prefixes that do not ascend.
 */
export async function evaluate(
  sae: SparseAutoencoder,
  source: BatchSource,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const thresholds = thresholdsOf(options);
  const settings = {
    batchSize: options.batchSize ?? 16384,
    batchMeans: options.batchMeans ?? false,
    prefixes: options.prefixes ?? [],
    ...thresholds,
  };
  const native = await callAsync(options, (control) =>
    addon().saeEvaluate(sae.handle, source.handle, settings, control),
  );
  return fromNativeEvaluation(native, thresholds);
}
