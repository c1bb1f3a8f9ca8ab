import type { Visuals } from "@saev/config";
import {
  type ActivationLoader,
  accumulateTopK,
  type LatentStatistics,
  type LatentTables,
  type LegacyTables,
  type LongCallOptions,
  legacyTopK,
  type SparseAutoencoder,
} from "@saev/core";
import { nExamples, nSampledImages, writeExamples } from "./examples-file.js";
import { legacyRankingOf, type Ranking, rankingOf } from "./ranking.js";
import { writeStatistics } from "./statistics-file.js";
import { writeLegacyTables, writeTables } from "./tables.js";

/** All rows encoded and ranked. */
export interface RankedRows {
  readonly tables: LatentTables | LegacyTables;
  /** Absent for the Python package's own tables. */
  readonly stats: LatentStatistics | undefined;
  readonly rank: (latent: number) => Ranking;
  /** Writes the tables into a folder. */
  readonly write: (folder: string, options: Pick<LongCallOptions, "signal">) => Promise<void>;
  readonly dispose: () => void;
}

interface RankOptions extends LongCallOptions {
  readonly cfg: Visuals;
  readonly loader: ActivationLoader;
  readonly sae: SparseAutoencoder;
  /** Patches of an image. */
  readonly patches: number;
}

const sharedOptions = ({ cfg, signal, onProgress }: RankOptions) => ({
  topK: cfg.top_k,
  nDistributions: cfg.n_distributions,
  topkBatchSize: cfg.topk_batch_size,
  saeBatchSize: cfg.sae_batch_size,
  signal,
  onProgress,
});

/** One pass over all rows. */
export async function rankRows(options: RankOptions): Promise<RankedRows> {
  const { cfg, loader, sae } = options;
  const stats = await accumulateTopK(loader, sae, {
    ...sharedOptions(options),
    sortBy: cfg.sort_by,
    patches: cfg.sort_by === "cls" ? 1 : options.patches,
    seed: cfg.seed,
    nExamples,
    nSampledImages,
  });
  const tables = stats.tables(cfg.percentile);
  const indices = {
    images: tables.topImgI.toTypedArray() as BigInt64Array,
    topPatches: tables.topPatchI.toTypedArray() as BigInt64Array,
    scores: tables.topScores.toFloat32Array(),
  };
  return {
    tables,
    stats,
    rank: (latent) => rankingOf(stats, indices, latent, cfg.sort_by),
    write: async (folder, { signal }) => {
      await writeTables(folder, cfg, stats, tables, { signal });
      await writeStatistics(folder, stats, tables, { signal });
      await writeExamples(folder, stats, { signal });
    },
    dispose: () => {
      stats.dispose();
      for (const tensor of Object.values(tables)) tensor.dispose();
    },
  };
}

/** The same as the Python package ranks them. */
export async function legacyRankRows(options: RankOptions): Promise<RankedRows> {
  const { cfg, loader, sae } = options;
  const tables = await legacyTopK(loader, sae, {
    ...sharedOptions(options),
    patches: cfg.sort_by === "patch",
    patchesPerImage: options.patches,
    percentile: cfg.percentile,
  });
  return {
    tables,
    stats: undefined,
    rank: (latent) => legacyRankingOf(tables, latent),
    write: (folder, { signal }) => writeLegacyTables(folder, cfg, tables, { signal }),
    dispose: () => {
      for (const tensor of Object.values(tables)) tensor.dispose();
    },
  };
}
