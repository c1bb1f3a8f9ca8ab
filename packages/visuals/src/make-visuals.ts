import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { toDocument, type Visuals, visualsRoot } from "@saev/config";
import {
  ActivationLoader,
  asTrained,
  type DownloadProgress,
  type LatentStatistics,
  type LatentTables,
  openDataset,
  type RecordedTransform,
  recordedTransform,
  resolveDevice,
  ShardFolder,
  SparseAutoencoder,
  type Transform,
} from "@saev/core";
import { checkVisuals } from "./check-visuals.js";
import { drawPictures } from "./draw-pictures.js";
import { galleryContent } from "./gallery/content.js";
import { writeGallery } from "./gallery/write-gallery.js";
import { latentFolder, writeLatentMetadata } from "./latent-folder.js";
import { legacyRankRows, rankRows } from "./rank-rows.js";
import { latentLogs, selectLatents } from "./select-latents.js";
import { Staging } from "./staging.js";
import { together } from "./together.js";
import { legacyTransform } from "./view.js";
import { namesIn, writeContactSheets } from "./write-contact-sheets.js";
import { writeFileAtomic } from "./write-file.js";
import { writePlots } from "./write-plots.js";

export interface VisualsProgress {
  /** `rows`: activations encoded and ranked. `images`: images of the dataset drawn. `sheets`: contact sheets. */
  readonly stage: "rows" | "images" | "sheets";
  readonly done: number;
  readonly total: number;
}

export interface MakeVisualsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: VisualsProgress) => void) | undefined;
  /** Called as the images' dataset is downloaded, before anything else. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /**
   * Tables, choice and pictures as the Python package of June 2025 makes them, its faults included, and no gallery:
   * for comparing with what it wrote.
   */
  readonly legacy?: boolean | undefined;
  /** Images of each latent in the gallery, from the best. Default 24. `neurons/` has all of them. */
  readonly galleryImages?: number | undefined;
  /** As in `decodeImage`: images with more pixels are refused. */
  readonly maxPixels?: number | undefined;
  /** Heading of the gallery. Default: the checkpoint's path. */
  readonly title?: string | undefined;
  /** Where warnings go. Default: `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined;
}

export interface MadeVisuals {
  /** `<dump_to>/sort_by_<sort_by>`. */
  readonly root: string;
  /** Latents shown, in order. */
  readonly latents: readonly number[];
  /** The page to open; absent with `legacy`. */
  readonly gallery?: string | undefined;
  /** What a reader of the files should know, such as that a table holds a sample. */
  readonly notes: readonly string[];
}

/**
 * Finds the images that each latent responds to and draws them: tables (`*.pt`), one folder a latent
 * (`neurons/<latent>`), plots, and a gallery that opens from disk.
 *
 * Results are gathered beside their place (`<root>.partial`) and moved there at the end: an interrupted job leaves
 * earlier results as they were, and goes on with what it had drawn when it is started again with the same settings.
 * @throws SaevError `INVALID_ARGUMENT` when the settings cannot work together (all problems at once), `UNSUPPORTED`,
 * `NOT_FOUND`, `BAD_FILE`, `SHAPE_MISMATCH`, `IO`.
 */
export async function makeVisuals(cfg: Visuals, options: MakeVisualsOptions = {}): Promise<MadeVisuals> {
  const { signal, legacy = false } = options;
  signal?.throwIfAborted();
  const shards = await ShardFolder.open(cfg.data.shard_root);
  const { metadata } = shards;
  checkVisuals(cfg, metadata, legacy);
  resolveDevice(cfg.device, { warn: options.warn });
  const images = await openDataset(cfg.images, {
    signal,
    onProgress: options.onDownload,
    onNote: options.warn,
  });
  using sae = await SparseAutoencoder.load(cfg.ckpt, { signal });
  using trained = await asTrained(cfg.data, sae.scaling, cfg.ckpt);
  using loader = await ActivationLoader.open(trained.config, {
    ...trained.options,
    order: "ordered",
    nWorkers: cfg.n_workers,
    signal,
    ...(options.warn && { warn: options.warn }),
  });
  const root = visualsRoot(cfg);
  const { transform, note }: Pick<RecordedTransform, "transform" | "note"> = legacy
    ? { transform: legacyTransform }
    : await recordedTransform(shards);
  const staging = await Staging.open(root, await jobText(cfg, options, transform));

  const ranked = await (legacy ? legacyRankRows : rankRows)({
    ...{ cfg, loader, sae, signal },
    patches: metadata.n_patches_per_img,
    onProgress: (p) => options.onProgress?.({ stage: "rows", ...p }),
  });
  const { tables, stats } = ranked;
  const notes: string[] = note === undefined ? [] : [note];
  if (stats) notes.push(...notesOn(cfg, stats, tables));

  try {
    const sparsity = tables.sparsity.toFloat32Array();
    const meanValues = tables.meanValues.toFloat32Array();
    const latents = selectLatents(sparsity, meanValues, cfg, { legacy });
    if (latents.length === 0) {
      notes.push(
        "no latent lies inside log_freq_range and log_value_range: widen them, or name some in include_latents",
      );
    }
    const rankings = [...new Set(latents)].map(ranked.rank);
    const galleryImages = legacy ? 0 : (options.galleryImages ?? 24);
    const concurrency = Math.min(Math.max(1, cfg.n_workers), 2 * availableParallelism());
    const { folder } = staging;
    await together(signal, [
      (signal) => ranked.write(folder, { signal }),
      (signal) =>
        drawPictures(folder, rankings, images, {
          transform,
          style: cfg.highlight_style,
          galleryImages,
          maxPixels: options.maxPixels,
          concurrency,
          signal,
          onProgress: (done, total) => options.onProgress?.({ stage: "images", done, total }),
        }),
    ]);
    const logs = (latent: number) => latentLogs(sparsity[latent]!, meanValues[latent]!, cfg.epsilon, legacy);
    for (const latent of latents) {
      await writeLatentMetadata(latentFolder(folder, latent), latent, logs(latent));
    }
    if (stats && cfg.contact_sheet) {
      await writeContactSheets(folder, {
        ...{ cfg, rankings, sparsity, meanValues, images, concurrency, signal },
        maxValues: (tables as LatentTables).maxValues.toFloat32Array(),
        nameOf: namesIn(root, cfg, stats.dSae),
        onProgress: (done, total) => options.onProgress?.({ stage: "sheets", done, total }),
      });
    }
    let gallery: string | undefined;
    if (stats) {
      const overview = await writePlots(folder, cfg, stats, sparsity, meanValues, new Set(latents));
      const title = options.title ?? cfg.ckpt;
      await writeGallery(
        folder,
        await galleryContent({
          cfg,
          title,
          stats,
          tables: tables as LatentTables,
          rankings,
          galleryImages,
          images,
          overview,
        }),
      );
      gallery = path.join(root, "index.html");
      await writeFileAtomic(path.join(folder, "visuals.json"), summary(cfg, stats, latents, notes));
    }
    signal?.throwIfAborted();
    await staging.publish("index.html");
    return { root, latents, gallery, notes };
  } finally {
    ranked.dispose();
  }
}

/** Text that changes whenever the results could: settings, checkpoint, shards. */
async function jobText(cfg: Visuals, options: MakeVisualsOptions, transform: Transform): Promise<string> {
  const ckpt = await stat(cfg.ckpt);
  const shards = await stat(path.join(cfg.data.shard_root, "metadata.json"));
  return JSON.stringify([
    toDocument(cfg),
    options.legacy ?? false,
    options.galleryImages ?? 24,
    transform,
    [ckpt.size, ckpt.mtimeMs],
    [shards.size, shards.mtimeMs],
  ]);
}

function notesOn(
  cfg: Visuals,
  stats: LatentStatistics,
  tables: Pick<LatentTables, "distributions">,
): string[] {
  const notes: string[] = [];
  if (stats.topK < cfg.top_k) notes.push(`top_k: there are only ${stats.topK} images, so that many are kept`);
  if (stats.distributionsSampled) {
    const columns = tables.distributions.shape[1];
    notes.push(
      `distributions.pt would be larger than 1 GiB and holds a random sample of ${columns} of ${stats.rows} rows`,
    );
  }
  if (stats.percentileError > 0) {
    notes.push(`percentiles are within ${(100 * stats.percentileError).toFixed(2)} % of the exact values`);
  }
  return notes;
}

/** `visuals.json`: what made these files. */
function summary(
  cfg: Visuals,
  stats: LatentStatistics,
  latents: readonly number[],
  notes: readonly string[],
): string {
  return `${JSON.stringify(
    {
      config: toDocument(cfg),
      // Where the config's relative paths start.
      working_directory: process.cwd(),
      d_sae: stats.dSae,
      rows: stats.rows,
      images: stats.images,
      top_k: stats.topK,
      percentile_error: stats.percentileError,
      distributions_sampled: stats.distributionsSampled,
      latents,
      notes,
    },
    null,
    2,
  )}\n`;
}
