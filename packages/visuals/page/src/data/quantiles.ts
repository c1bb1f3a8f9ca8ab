import type { Histogram } from "../../../src/explorer/api.js";

/**
 * The value below which a fraction of a latent's firing values lies, to within a bin: inside one, values are taken to be even.
 * @returns undefined for a histogram of nothing.
 */
export function quantileOf({ counts, lo, hi, log10 }: Histogram, fraction: number): number | undefined {
  const at = placeOf(counts, fraction);
  if (at === undefined) return undefined;
  const value = lo + ((hi - lo) * at) / counts.length;
  return log10 ? 10 ** value : value;
}

/** Where it is among the bins: 1.5 is the middle of the second. */
export function placeOf(counts: readonly number[], fraction: number): number | undefined {
  const total = counts.reduce((a, b) => a + b, 0);
  if (total === 0) return undefined;
  let below = 0;
  for (const [bin, count] of counts.entries()) {
    if (count > 0 && below + count >= fraction * total) return bin + (fraction * total - below) / count;
    below += count;
  }
  return counts.length;
}
