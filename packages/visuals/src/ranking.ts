import type { LatentStatistics, LegacyTables, SortBy } from "@saev/core";

/** An image in a latent's ranking. */
export interface RankedImage {
  readonly image: number;
  readonly score: number;
  readonly topPatch?: number | undefined;
  /** f_x of each patch; absent when images are ranked by CLS rows. */
  readonly values?: Float32Array | undefined;
}

/** What is drawn of a latent. */
export interface Ranking {
  readonly latent: number;
  /** Best first; each image once. */
  readonly images: readonly RankedImage[];
  /** Largest of the values drawn: where the colours end. */
  readonly upper: number;
}

const largest = (values: Iterable<number>) => {
  let most = 0;
  for (const v of values) if (v > most) most = v;
  return most;
};

/** The images that move a latent: those of its ranking in which it fires. */
export function rankingOf(stats: LatentStatistics, tables: Indices, latent: number, sortBy: SortBy): Ranking {
  using dense = stats.patchValues(latent);
  const all = dense.toFloat32Array();
  const { topK, patches } = stats;
  const images: RankedImage[] = [];
  for (let rank = 0; rank < topK; rank++) {
    const values = all.slice(rank * patches, (rank + 1) * patches);
    if (!values.some((v) => v !== 0)) continue;
    const at = latent * topK + rank;
    images.push({
      image: Number(tables.images[at]),
      score: tables.scores[at]!,
      ...(sortBy !== "cls" && { topPatch: Number(tables.topPatches[at]), values }),
    });
  }
  return { latent, images, upper: largest(all) };
}

/** The columns of rankings, `[d_sae, k]`, copied to JavaScript once. */
export interface Indices {
  readonly images: BigInt64Array;
  readonly topPatches: BigInt64Array;
  readonly scores: Float32Array;
}

/** A latent's images as the Python package shows them: each once, silent ones too. */
export function legacyRankingOf(tables: LegacyTables, latent: number): Ranking {
  const [, topK = 0, patches] = tables.topValues.shape;
  const images = tables.topImgI.narrow(0, latent, 1).toTypedArray() as BigInt64Array;
  const all = tables.topValues.narrow(0, latent, 1).toFloat32Array();
  const seen = new Set<bigint>();
  const out: RankedImage[] = [];
  for (let rank = 0; rank < topK; rank++) {
    const image = images[rank]!;
    if (seen.has(image)) continue;
    seen.add(image);
    const values = patches === undefined ? undefined : all.slice(rank * patches, (rank + 1) * patches);
    out.push({
      image: Number(image),
      score: values ? largest(values) : all[rank]!,
      values,
    });
  }
  return { latent, images: out, upper: all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) };
}
