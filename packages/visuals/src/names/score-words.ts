import { nearestRows, Tensor } from "@saev/core";
import { rowNorm } from "./unit.js";
import type { WordSpace } from "./word-space.js";

/** What is known of a latent in the space of texts: unit directions, or undefined where there is none. */
export interface LatentDirections {
  /** How the model's embedding moves along the decoder direction. */
  readonly decoder: Float32Array | undefined;
  /** How the embeddings of its top images differ from those of all. */
  readonly pictures: Float32Array | undefined;
}

/** What names are chosen by. */
export type NamedBy = "both" | "decoder" | "pictures";

/** A word for a latent. */
export interface NamedWord {
  readonly word: string;
  /** Standard deviations above the vocabulary's mean: the mean over both cosines, or that of the one that there is. */
  readonly score: number;
  /** Cosines with the centred word; null where the latent has no such direction. */
  readonly decoder: number | null;
  readonly pictures: number | null;
}

/** Both directions of a latent in one: a centred text's score is its product with `vector` less `offset`. */
export interface Combined {
  readonly vector: Float32Array;
  readonly offset: number;
}

/**
 * score(t) = mean over the directions u of (u·t − mean_w u·w) / sd_w u·w, for centred unit texts t and words w. It is linear in
 * t, so one vector and one number stand for it.
 * @returns undefined for a latent without directions.
 */
export function combine(
  { decoder, pictures }: LatentDirections,
  words: WordSpace,
  by: NamedBy = "both",
): Combined | undefined {
  const vector = new Float32Array(words.width);
  let offset = 0;
  let n = 0;
  const parts = [by === "pictures" ? undefined : decoder, by === "decoder" ? undefined : pictures].filter(
    (part) => part !== undefined,
  );
  for (const part of parts) {
    const { mean, sd } = words.spread(part);
    if (!(sd > 1e-9)) continue;
    for (let k = 0; k < vector.length; k++) vector[k]! += part[k]! / sd;
    offset += mean / sd;
    n++;
  }
  if (n === 0) return undefined;
  for (let k = 0; k < vector.length; k++) vector[k]! /= n;
  return { vector, offset: offset / n };
}

/**
 * The `k` words with the highest scores of each latent, best first.
 * @param directions and `combined`: of the same latents.
 */
export async function bestWords(
  directions: readonly LatentDirections[],
  combined: readonly Combined[],
  words: WordSpace,
  texts: readonly string[],
  k: number,
  signal?: AbortSignal,
): Promise<NamedWord[][]> {
  if (combined.length === 0) return [];
  const { width } = words;
  const all = new Float32Array(combined.length * width);
  combined.forEach(({ vector }, i) => {
    all.set(vector, i * width);
  });
  using queries = Tensor.from(all, [combined.length, width]);
  using rows = Tensor.from(words.rows, [texts.length, width]);
  const found = await nearestRows(queries, rows, k, { signal });
  using index = found.index;
  using cosine = found.cosine;
  const places = index.toTypedArray() as Int32Array;
  const cosines = cosine.toFloat32Array();
  const kept = index.shape[1]!;
  return combined.map(({ vector, offset }, i) => {
    const norm = rowNorm(vector, 0, width);
    return Array.from({ length: kept }, (_, rank) => {
      const w = places[i * kept + rank]!;
      const row = words.rows.subarray(w * width, (w + 1) * width);
      return {
        word: texts[w]!,
        score: norm * cosines[i * kept + rank]! - offset,
        decoder: product(directions[i]!.decoder, row),
        pictures: product(directions[i]!.pictures, row),
      };
    });
  });
}

function product(a: Float32Array | undefined, b: Float32Array): number | null {
  return a === undefined ? null : a.reduce((sum, v, k) => sum + v * b[k]!, 0);
}
