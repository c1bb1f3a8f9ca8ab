import path from "node:path";
import {
  type LatentStatistics,
  type LatentTables,
  type LongCallOptions,
  Tensor,
  writeSafetensors,
} from "@saev/core";

/** Beside the Python package's tables: what the explorer shows of each latent and they do not hold. */
export const statisticsFpath = (root: string) => path.join(root, "latent_statistics.safetensors");

/** Bins of each latent's histogram. */
export const histogramBins = 40;

/**
 * Writes `firings` int64, `max_values`, `histogram_lo`, `histogram_hi` float32, `histogram_log10` uint8, all `[d_sae]`, and
 * `histogram_counts` int64 `[d_sae, 40]`; `rows` and `images` are in its metadata. 370 bytes a latent.
 */
export async function writeStatistics(
  root: string,
  stats: LatentStatistics,
  tables: LatentTables,
  options: Pick<LongCallOptions, "signal">,
): Promise<void> {
  const n = stats.dSae;
  const lo = new Float32Array(n);
  const hi = new Float32Array(n);
  const log10 = new Uint8Array(n);
  const counts = new BigInt64Array(n * histogramBins);
  for (let latent = 0; latent < n; latent++) {
    const histogram = stats.histogram(latent, histogramBins);
    lo[latent] = histogram.lo;
    hi[latent] = histogram.hi;
    log10[latent] = Number(histogram.log10);
    histogram.counts.forEach((count, bin) => {
      counts[latent * histogramBins + bin] = BigInt(count);
    });
  }
  const tensors = {
    firings: tables.firings,
    max_values: tables.maxValues,
    histogram_lo: Tensor.from(lo),
    histogram_hi: Tensor.from(hi),
    histogram_log10: Tensor.from(log10),
    histogram_counts: Tensor.from(counts, [n, histogramBins]),
  };
  const metadata = { rows: String(stats.rows), images: String(stats.images) };
  await writeSafetensors(statisticsFpath(root), tensors, { ...options, metadata });
}
