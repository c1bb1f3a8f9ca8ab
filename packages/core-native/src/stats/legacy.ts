import type { BatchSource } from "../loading/batch-source.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativeLegacyOptions, NativeLegacyTables } from "../native/top-k.js";
import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { Tensor } from "../tensor.js";

/** `patches`: whether it is the original's `sort_by = "patch"`; else its `"img"`, which ranks CLS rows. */
export type LegacyTopKOptions = NativeLegacyOptions & LongCallOptions;

/**
 * `topValues` float32 `[d_sae, topK, patches]` or `[d_sae, topK]`, `topImgI` int64 `[d_sae, topK]`, the others float32:
 * `meanValues`, `sparsity`, `percentiles` `[d_sae]` and `distributions` `[nDistributions, rows]`.
 */
export type LegacyTables = { readonly [K in keyof NativeLegacyTables]: Tensor };

/**
 * The tables that the Python package of June 2025 writes, with its faults: batches of whole images of which a short last
 * one is dropped, images ranked by their maximum and repeated, `distributions` at column `image_i`, a percentile that
 * creeps. Only for comparing with files it wrote; {@link accumulateTopK} is what to use.
 */
export async function legacyTopK(
  source: BatchSource,
  sae: SparseAutoencoder,
  options: LegacyTopKOptions,
): Promise<LegacyTables> {
  const { signal: _signal, onProgress: _onProgress, ...native } = options;
  const tables = await callAsync(options, (control) =>
    addon().legacyTopK(source.handle, sae.handle, native, control),
  );
  return Object.fromEntries(
    Object.entries(tables).map(([name, tensor]) => [name, Tensor.fromHandle(tensor)]),
  ) as LegacyTables;
}

/**
 * That package's running percentile: `est += lr · (total − t) / total · (sign(x − est) + 2p/100 − 1)`, one row of `x`
 * after another, from 0.
 * @param x float32 `[steps, …]`.
 * @returns the estimate after each step, of the shape of `x`.
 */
export function legacyPercentiles(x: Tensor, percentile: number, total: number, lr = 0.001): Tensor {
  return Tensor.fromHandle(callSync(() => addon().legacyPercentiles(x.handle, percentile, total, lr)));
}
