import { rm, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import {
  Activations,
  ConfigError,
  isResolved,
  type Metadata,
  metadataOf,
  parseActivations,
  refusals,
} from "@saev/config";
import { patchGrid } from "../datasets/patch-labels.js";
import { resolveDevice } from "../device.js";
import { SaevError } from "../errors.js";
import type { DownloadProgress } from "../hub/download.js";
import { type ImageDataset, openDataset, sliceOf, statedImages } from "../images/image-dataset.js";
import { partsFolder, readPart, readParts } from "../shards/part-status.js";
import { keepPreprocessing } from "../shards/preprocessing.js";
import { openAlone, openPart, openWhole, partRange, sealParts } from "../shards/record-parts.js";
import { type RecordingFolder, recordingFolder, writeEntries } from "../shards/recording-folder.js";
import { ViT } from "../vit/vit.js";
import { fitToModel } from "./check-model.js";
import { labelPatches, patchesLabelled } from "./label-patches.js";
import { recordImages } from "./record-images.js";
import { resolveActivations } from "./resolve.js";

/** How far a recording is. */
export interface RecordProgress {
  /** Images recorded, those of earlier runs included. */
  readonly done: number;
  /** Images to record. */
  readonly total: number;
  /** Images a second in this run. */
  readonly imagesPerSecond: number;
}

export interface RecordOptions {
  /** Stops between two blocks of the ViT; what is recorded stays, and the next call goes on from there. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RecordProgress) => void) | undefined;
  /** Called as the dataset and the model are downloaded, before the first image. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** What a picture that cannot be read does: stop with an error that names it (default), or leave a hole of zeros. */
  readonly onBadImage?: "error" | "skip";
  /** Pictures with more pixels count as bad. Default: as in `decodeImage`, 100 million. */
  readonly maxPixels?: number | undefined;
  /**
   * Folder to load the model from, when `vit_ckpt` is the name that the metadata shall have and not a path here.
   * Default: `vit_ckpt`.
   */
  readonly ckptDir?: string | undefined;
  /** Where warnings go, one line each: the device, downloads that falter, pictures that are skipped. Default: `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** A picture that has zeros for activations. */
export interface SkippedImage {
  readonly index: number;
  readonly path: string;
}

export interface Recording {
  /** The shard folder. */
  readonly dir: string;
  /** Images recorded, those skipped included. */
  readonly nImgs: number;
  /** Pictures that could not be read, in this or an earlier run; also in the folder's saev.json. */
  readonly skipped: readonly SkippedImage[];
  /** The image at which this call began: 0 in a new folder, `nImgs` when there was nothing left to do. */
  readonly resumedAt: number;
  /**
   * Of a recording in parts (`n_parts`): those that are not finished, this one being so. The one that finds none seals the
   * folder, which is not complete before. Empty otherwise.
   */
  readonly waitingFor: readonly number[];
}

/**
 * Records a ViT's activations for all pictures of a dataset into `<dump_to>/<hash of the metadata>`, as the Python
 * package lays them out, of either of its versions (`protocol`). Layers are stored in the order of `vit_layers`. Pictures of the next batch are decoded while the
 * ViT computes (`n_workers` at a time; with 0 workers one at a time and not meanwhile), so memory holds two batches of
 * `vit_batch_size` pictures and the activations of two.
 *
 * Datasets with segmentations get the classes of their patches beside the shards ({@link labelPatches}).
 *
 * A finished folder is left as it is; an unfinished one is continued after its last whole batch, and ends up the same to
 * the byte as one recorded in one go.
 *
 * With `n_parts` above 1 only the images of `part` are recorded, whole shards of them. Each of the parts may run in a process
 * or on a machine of its own, at any time, and again after it died; the last to finish seals the folder, which is then the
 * same to the byte as one recorded in one go.
 *
 * `d_vit`, `n_patches_per_img` and `cls_token` are the model's where they are "auto".
 *
 * @throws SaevError `INVALID_ARGUMENT` when one of them or `vit_layers` is given and not the model's, naming the right
 * ones, before any picture is read and before weights are downloaded; `BAD_FILE`, `NOT_FOUND`, `IO` naming the file for
 * pictures, weights and shards; `UNSUPPORTED` for what the config asks for and this version does not do.
 */
export async function recordActivations(
  config: Activations,
  options: RecordOptions = {},
): Promise<Recording> {
  const cfg = checked(config);
  const refused = refusals(Activations, cfg);
  if (refused.length > 0)
    throw new SaevError("UNSUPPORTED", refused.map((issue) => issue.message).join("; "));
  options.signal?.throwIfAborted();
  const warn = options.warn ?? ((message) => process.emitWarning(message, { code: "SAEV_RECORD" }));
  resolveDevice(cfg.device, { warn });

  const dataset = await openDataset(cfg.data, {
    signal: options.signal,
    ssl: cfg.ssl,
    onNote: warn,
    onProgress: options.onDownload,
    // A dataset may take hours, and the command may not suit the model.
    beforeDownload: () => resolveActivations(cfg, { ...options, warn }),
  });
  const nImgs = await statedImages(cfg.data, dataset);
  if (dataset.length > nImgs) {
    throw new SaevError(
      "UNSUPPORTED",
      `${dataset.root}: ${dataset.length} pictures, but ${nImgs} files: folders that are links are listed and ` +
        "not counted by the Python package; give the folders themselves",
    );
  }
  // A finished folder of these sizes, or of the defaults for those that were left out, was made with this model: which is
  // not needed any more, and may be gone.
  const before = await finishedRecording(cfg, metadataOf(cfg, nImgs), dataset).catch((error: unknown) => {
    // A shard may be too small for the defaults and large enough for what the model has.
    if (!isResolved(cfg) && error instanceof SaevError && error.code === "INVALID_ARGUMENT") return undefined;
    throw error;
  });
  if (before) return before;
  const resolved = await resolveActivations(cfg, { ...options, warn });
  const metadata = metadataOf(resolved, nImgs);
  const finished = await finishedRecording(resolved, metadata, dataset);
  if (finished) return finished;

  using vit = await ViT.load(cfg.vit_family, options.ckptDir ?? cfg.vit_ckpt, {
    signal: options.signal,
    ssl: cfg.ssl,
    computeDtype: cfg.compute_dtype,
    onNote: warn,
    onDownload: options.onDownload,
  });
  const { layers } = fitToModel(resolved, vit);
  if (dataset.segmentation) patchGrid(vit.transform, vit.nPatches);
  else if (cfg.data.kind === "ade20k-dataset")
    warn(`${dataset.root} has no annotations/${cfg.data.split}: labels.bin is not written`);
  const writing = { signal: options.signal, computeDtype: cfg.compute_dtype };
  const folder = folderOf(cfg, metadata, dataset);
  const part = cfg.n_parts > 1 ? { index: cfg.part, of: cfg.n_parts } : undefined;
  const opened = part ? await openPart(folder, part, writing) : await openAlone(folder, writing);
  const range = part && !opened.sealed ? partRange(folder, part) : { from: 0, to: dataset.length };
  let resumedAt = range.to;
  if (opened.writer) {
    using writer = opened.writer;
    resumedAt = range.from + writer.nextImage;
    const others = part && !opened.sealed ? (await readParts(folder.dir)).length > 1 : false;
    await keepPreprocessing(folder.dir, vit.transform, writer.nextImage > 0 || others);
    warnOfThreads(cfg.n_workers, warn);
    const todo = { ...range, start: resumedAt };
    await recordImages(todo, { cfg: resolved, vit, layers, writer, dataset, options, warn });
    // Before the folder counts as complete, so that a recording cut short here is gone on with.
    const own = sliceOf(dataset, range.from, range.to);
    if (!(await patchesLabelled(writer.dir, own, vit.nPatches))) {
      await labelPatches(writer.dir, own, vit, {
        workers: Math.max(1, cfg.n_workers),
        onBadImage: options.onBadImage ?? "error",
        warn,
        maxPixels: options.maxPixels,
        signal: options.signal,
      });
    }
    if (!writer.complete) {
      if (!part) await writeEntries(folder);
      await writer.finish();
    }
    if (!part || opened.sealed) return resultOf(folder.dir, dataset, resumedAt, writer.holes);
  }
  const { waitingFor, holes } = await sealParts(folder, part!.of, writing);
  if (waitingFor.length === 0) return resultOf(folder.dir, dataset, resumedAt, holes);
  const own = (await readPart(folder.dir, part!))?.holes ?? [];
  return resultOf(
    folder.dir,
    dataset,
    resumedAt,
    own.map((hole) => range.from + hole),
    waitingFor,
  );
}

/** The config, for callers whose types did not check it. */
function checked(config: Activations): Activations {
  try {
    return parseActivations(config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new SaevError("INVALID_ARGUMENT", error.message, { cause: error });
  }
}

/** The result for a folder that an earlier run finished; touches nothing, and does not load the model. */
async function finishedRecording(
  cfg: Activations,
  metadata: Metadata,
  dataset: ImageDataset,
): Promise<Recording | undefined> {
  const folder = folderOf(cfg, metadata, dataset);
  const there = await stat(folder.dir).then(
    (s) => s.isDirectory(),
    () => false,
  );
  if (!there) return undefined;
  using writer = await openWhole(folder, { computeDtype: cfg.compute_dtype, patient: cfg.n_parts > 1 });
  if (!writer.complete) return undefined;
  await rm(path.join(writer.dir, partsFolder), { recursive: true, force: true });
  const whole = await patchesLabelled(writer.dir, dataset, metadata.n_patches_per_img);
  return whole ? resultOf(writer.dir, dataset, dataset.length, writer.holes) : undefined;
}

const folderOf = (cfg: Activations, metadata: Metadata, dataset: ImageDataset): RecordingFolder =>
  recordingFolder(cfg, metadata, dataset.length, dataset.segmentation !== undefined);

/** JPEG has threads of our own; other pictures are decoded on libuv's, whose number is fixed when Node starts. */
function warnOfThreads(workers: number, warn: (message: string) => void): void {
  const threads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
  const useful = Math.min(workers, availableParallelism());
  if (useful <= threads) return;
  warn(
    `pictures that are no JPEG are decoded on ${threads} threads; start with UV_THREADPOOL_SIZE=${useful} in the environment for more`,
  );
}

function resultOf(
  dir: string,
  dataset: ImageDataset,
  resumedAt: number,
  holes: readonly number[],
  waitingFor: readonly number[] = [],
): Recording {
  const skipped = holes.map((index) => ({
    index,
    path: index < dataset.length ? dataset.where(index) : "",
  }));
  return { dir, nImgs: dataset.length, skipped, resumedAt, waitingFor };
}
