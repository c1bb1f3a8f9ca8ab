/** ‖x‖ of a row of a matrix. */
export function rowNorm(x: Float32Array | Float64Array, from: number, width: number): number {
  let square = 0;
  for (let k = 0; k < width; k++) square += x[from + k]! ** 2;
  return Math.sqrt(square);
}

/** Divides the rows of [n, width] by their norms, in place; rows of zeros stay. @returns the same. */
export function makeUnit<T extends Float32Array | Float64Array>(x: T, width: number): T {
  for (let from = 0; from < x.length; from += width) {
    const norm = rowNorm(x, from, width);
    if (norm > 0) for (let k = 0; k < width; k++) x[from + k]! /= norm;
  }
  return x;
}

/** Mean of the rows of [n, width]. */
export function meanRow(x: Float32Array, width: number): Float64Array {
  const mean = new Float64Array(width);
  const n = x.length / width;
  for (let i = 0; i < x.length; i++) mean[i % width]! += x[i]! / n;
  return mean;
}
