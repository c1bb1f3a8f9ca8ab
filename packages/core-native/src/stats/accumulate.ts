import type { BatchSource } from "../loading/batch-source.js";
import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { LatentStatistics, nativeTopKOptions, type TopKOptions } from "./top-k.js";

export interface AccumulateOptions extends TopKOptions, LongCallOptions {
  /** Rows accumulated at a time. Default 16384. Changes memory and speed, never a result. */
  readonly topkBatchSize?: number | undefined;
  /** Rows encoded at a time. Default 16384. */
  readonly saeBatchSize?: number | undefined;
}

/**
 * What each latent of `sae` responds to, over one epoch of `source` from its beginning. `onProgress` counts rows.
 *
 * Memory: about 40 bytes an entry of the rankings (d_sae × topK), 8 a patch that fires in an image ranked, 4 a firing
 * value up to `maxExactValues`, and `distributions`; none of it grows with the number of images.
 * @param source ordered: images one after another, e.g. an ActivationLoader with `order: "ordered"` and one layer.
 * @throws SaevError `SHAPE_MISMATCH` when the widths do not fit, `INVALID_ARGUMENT` when rows are not in order,
 * `NUMERIC` when an activation is not finite.
 */
export async function accumulateTopK(
  source: BatchSource,
  sae: SparseAutoencoder,
  options: AccumulateOptions,
): Promise<LatentStatistics> {
  const native = {
    ...nativeTopKOptions(options),
    topkBatchSize: options.topkBatchSize ?? 16384,
    saeBatchSize: options.saeBatchSize ?? 16384,
  };
  return new LatentStatistics(
    await callAsync(options, (control) => addon().accumulateTopK(source.handle, sae.handle, native, control)),
  );
}
