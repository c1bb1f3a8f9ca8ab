import path from "node:path";
import type { Visuals } from "@saev/config";
import type { ImageDataset, LatentStatistics, LatentTables } from "@saev/core";
import type { Ranking } from "../ranking.js";
import { type GalleryContent, latentState } from "./data.js";

/** The gallery of what statistics and rankings say. */
export async function galleryContent(from: {
  readonly cfg: Visuals;
  readonly title: string;
  readonly stats: LatentStatistics;
  readonly tables: LatentTables;
  readonly rankings: readonly Ranking[];
  readonly galleryImages: number;
  readonly images: ImageDataset;
  readonly overview: string;
}): Promise<GalleryContent> {
  const { cfg, stats, tables, images } = from;
  const sparsity = tables.sparsity.toFloat32Array();
  const meanValues = tables.meanValues.toFloat32Array();
  const maxValues = tables.maxValues.toFloat32Array();
  const percentiles = tables.percentiles.toFloat32Array();
  const counts = { alive: 0, dense: 0, "almost dead": 0, dead: 0 };
  for (const frequency of sparsity) counts[latentState(frequency)]++;
  const shown = from.rankings.flatMap((r) =>
    r.images.slice(0, from.galleryImages).map((entry) => entry.image),
  );
  const captions = await captionsOf(images, shown);
  return {
    title: from.title,
    sortBy: cfg.sort_by,
    p: cfg.percentile,
    rows: stats.rows,
    nImages: stats.images,
    counts,
    overview: from.overview,
    latents: from.rankings.map(({ latent, upper, images: ranked }) => ({
      latent,
      frequency: sparsity[latent]!,
      meanValue: meanValues[latent]!,
      maxValue: maxValues[latent]!,
      percentile: percentiles[latent]!,
      firingPercentile: stats.firingPercentile(latent, cfg.percentile),
      histogram: stats.histogram(latent),
      upper,
      images: ranked.slice(0, from.galleryImages),
    })),
    caption: (image) => captions.get(image) ?? { label: "", name: "" },
  };
}

/** Label and name of each picture, asked for in the dataset's order. */
async function captionsOf(images: ImageDataset, shown: readonly number[]) {
  const captions = new Map<number, { label: string; name: string }>();
  for (const image of [...new Set(shown)].sort((a, b) => a - b)) {
    if (image >= images.length) continue;
    const name = path.relative(images.root, images.where(image));
    captions.set(image, { label: await images.label(image), name });
  }
  return captions;
}
