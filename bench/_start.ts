/** Rows and SAEs that training benchmarks start from. */

export interface Start {
  /** [rows, d_vit]. */
  readonly x: Float32Array;
  readonly W_enc: Float32Array;
  readonly b_enc: Float32Array;
  readonly W_dec: Float32Array;
  readonly b_dec: Float32Array;
}

/** Standard normal rows; W_dec of random unit rows, W_enc its transpose: pre-activations less b_enc are standard normal. */
export function normalStart(rows: number, dVit: number, dSae: number, bEnc: number | Float32Array): Start {
  const normal = normals(7);
  const x = fill(rows * dVit, normal);
  const b_enc = typeof bEnc === "number" ? new Float32Array(dSae).fill(bEnc) : bEnc;
  return { x, ...tied(unitRows(dSae, dVit, normal), dVit), b_enc, b_dec: new Float32Array(dVit) };
}

/**
 * Rows with a sparse ground truth: each is a sum of `active` of `features` random unit vectors, some of them often, most of
 * them seldom, with weights from 1 to 2, and a little noise; scaled to a mean square of 1 an entry. The SAE starts from random
 * weights with biases 0, so half of its latents are active at first.
 */
export function sparseTruthStart(
  rows: number,
  dVit: number,
  dSae: number,
  features: number,
  active: number,
): Start {
  const normal = normals(11);
  const uniform = uniforms(12);
  const vectors = unitRows(features, dVit, normal);
  const x = new Float32Array(rows * dVit);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * dVit, (r + 1) * dVit);
    for (let a = 0; a < active; a++) {
      const feature = Math.floor(features * uniform() ** 2) * dVit;
      const weight = 1 + uniform();
      for (let k = 0; k < dVit; k++) row[k] = (row[k] as number) + weight * (vectors[feature + k] as number);
    }
    for (let k = 0; k < dVit; k++) row[k] = (row[k] as number) + 0.01 * normal();
  }
  let squares = 0;
  for (const v of x) squares += v * v;
  const scale = Math.sqrt(x.length / squares);
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * scale;
  return {
    x,
    ...tied(unitRows(dSae, dVit, normal), dVit),
    b_enc: new Float32Array(dSae),
    b_dec: new Float32Array(dVit),
  };
}

/** Biases with which standard normal pre-activations are positive with the given mean rate; `spread` 0: every latent alike. */
export function biases(dSae: number, density: number, spread: number): Float32Array {
  const normal = normals(13);
  const centre = quantile(density) * Math.sqrt(1 + spread * spread);
  return Float32Array.from({ length: dSae }, () => centre + spread * normal());
}

/** The normal distribution's quantile, by bisection. */
function quantile(p: number): number {
  let [low, high] = [-6, 6];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** By Simpson's rule from −8. */
function normalCdf(x: number): number {
  const n = 400;
  const h = (x + 8) / n;
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    const weight = i === 0 || i === n ? 1 : i % 2 ? 4 : 2;
    const at = -8 + i * h;
    sum += weight * Math.exp((-at * at) / 2);
  }
  return (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

function unitRows(n: number, width: number, normal: () => number): Float32Array {
  const rows = fill(n * width, normal);
  for (let j = 0; j < n; j++) {
    const row = rows.subarray(j * width, (j + 1) * width);
    let squares = 0;
    for (const v of row) squares += v * v;
    for (let k = 0; k < width; k++) row[k] = (row[k] as number) / Math.sqrt(squares);
  }
  return rows;
}

/** W_dec [d_sae, d_vit] and its transpose. */
function tied(wDec: Float32Array, dVit: number): Pick<Start, "W_enc" | "W_dec"> {
  const dSae = wDec.length / dVit;
  const wEnc = new Float32Array(wDec.length);
  for (let j = 0; j < dSae; j++) {
    for (let k = 0; k < dVit; k++) wEnc[k * dSae + j] = wDec[j * dVit + k] as number;
  }
  return { W_dec: wDec, W_enc: wEnc };
}

function fill(n: number, next: () => number): Float32Array {
  return Float32Array.from({ length: n }, next);
}

function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normals(seed: number): () => number {
  const uniform = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
