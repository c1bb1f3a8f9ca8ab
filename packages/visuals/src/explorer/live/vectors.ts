/** Cosine of two vectors; 1 where both are zero, 0 where one is. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  if (aa === 0 || bb === 0) return aa === bb ? 1 : 0;
  return Math.min(1, dot / Math.sqrt(aa * bb));
}

export const length = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** 1 − Σ ‖x − x̂‖² / Σ ‖x − mean‖² over rows of width d; null where the rows do not vary. */
export function explainedVariance(x: Float32Array, xHat: Float32Array, d: number): number | null {
  const rows = x.length / d;
  const mean = new Float64Array(d);
  for (let i = 0; i < x.length; i++) mean[i % d]! += x[i]! / rows;
  let [left, whole] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    left += (x[i]! - xHat[i]!) ** 2;
    whole += (x[i]! - mean[i % d]!) ** 2;
  }
  return whole > 0 ? 1 - left / whole : null;
}
