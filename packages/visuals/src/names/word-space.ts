import { makeUnit, meanRow } from "./unit.js";

/** How the cosines of one direction with all words are spread. */
export interface Spread {
  readonly mean: number;
  readonly sd: number;
}

/**
 * A text's unit vector as a direction among words: the part along `centre`, the mean of a vocabulary's unit vectors, is taken
 * away, and what is left is made unit. Texts of CLIPs lie in a narrow cone; without that every word would be like every other.
 */
export function placeText(vector: Float32Array, centre: Float32Array | Float64Array, from = 0): Float32Array {
  const width = centre.length;
  let [along, square] = [0, 0];
  for (let k = 0; k < width; k++) {
    along += vector[from + k]! * centre[k]!;
    square += centre[k]! ** 2;
  }
  const share = square > 0 ? along / square : 0;
  const left = Float32Array.from(centre, (c, k) => vector[from + k]! - share * c);
  return makeUnit(left, width);
}

/** The words of a vocabulary as directions, see {@link placeText}: before they are made unit, their mean is zero. */
export class WordSpace {
  /** float32 [words, width], rows of norm 1. */
  readonly rows: Float32Array;
  /** Mean of the words' unit vectors. */
  readonly centre: Float64Array;
  readonly #mean: Float64Array;
  /** Covariance of the rows, [width, width]. */
  readonly #covariance: Float64Array;

  /** @param vectors float32 [words, width], rows of norm 1. */
  constructor(
    vectors: Float32Array,
    readonly width: number,
  ) {
    this.centre = meanRow(vectors, width);
    this.rows = new Float32Array(vectors.length);
    for (let at = 0; at < vectors.length; at += width) {
      this.rows.set(placeText(vectors, this.centre, at), at);
    }
    this.#mean = meanRow(this.rows, width);
    this.#covariance = covariance(this.rows, this.#mean);
  }

  /** Mean and standard deviation over the words of the cosine with a unit direction. */
  spread(direction: Float32Array): Spread {
    const { width } = this;
    let mean = 0;
    let variance = 0;
    for (let i = 0; i < width; i++) {
      mean += direction[i]! * this.#mean[i]!;
      let sum = 0;
      for (let k = 0; k < width; k++) sum += this.#covariance[i * width + k]! * direction[k]!;
      variance += direction[i]! * sum;
    }
    return { mean, sd: Math.sqrt(Math.max(variance, 0)) };
  }
}

function covariance(rows: Float32Array, mean: Float64Array): Float64Array {
  const width = mean.length;
  const n = rows.length / width;
  const out = new Float64Array(width * width);
  for (let r = 0; r < n; r++) {
    for (let i = 0; i < width; i++) {
      const x = (rows[r * width + i]! - mean[i]!) / n;
      for (let k = 0; k <= i; k++) out[i * width + k]! += x * (rows[r * width + k]! - mean[k]!);
    }
  }
  for (let i = 0; i < width; i++) for (let k = 0; k < i; k++) out[k * width + i] = out[i * width + k]!;
  return out;
}
