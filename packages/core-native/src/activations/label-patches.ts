import { open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { type PatchGrid, patchGrid, patchLabels } from "../datasets/patch-labels.js";
import { SaevError } from "../errors.js";
import { decodeImage } from "../images/decode.js";
import type { ImageDataset } from "../images/image-dataset.js";
import type { ViT } from "../vit/vit.js";

export interface LabelPatchesOptions {
  /** Segmentations decoded at a time. */
  readonly workers: number;
  /** What a segmentation that cannot be read does: stop with an error, or give its patches the label 0. */
  readonly onBadImage: "error" | "skip";
  readonly warn: (message: string) => void;
  readonly maxPixels: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Images between two writes. */
const chunk = 64;

/** Whether the folder's labels.bin is there, whole. */
export async function patchesLabelled(
  dir: string,
  dataset: ImageDataset,
  nPatches: number,
): Promise<boolean> {
  if (dataset.segmentation === undefined) return true;
  const found = await stat(path.join(dir, "labels.bin")).catch(() => undefined);
  return found?.size === dataset.length * nPatches;
}

/**
 * Writes `labels.bin` into a shard folder: uint8 [images, patches], the class that most pixels of a patch have
 * ({@link patchLabels}), without CLS. It appears when it is whole.
 * @throws SaevError as `decodeImage`; `BAD_FILE` for a segmentation that is no grey picture; `IO`.
 */
export async function labelPatches(
  dir: string,
  dataset: ImageDataset,
  vit: ViT,
  options: LabelPatchesOptions,
): Promise<void> {
  const grid = patchGrid(vit.transform, vit.nPatches);
  const file = path.join(dir, "labels.bin");
  const draft = `${file}.part`;
  try {
    const handle = await open(draft, "w");
    try {
      for (let from = 0; from < dataset.length; from += chunk) {
        const n = Math.min(chunk, dataset.length - from);
        await handle.writeFile(await labelsOf(from, n, dataset, vit, grid, options));
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    options.signal?.throwIfAborted();
    if (error instanceof SaevError) throw error;
    throw new SaevError("IO", `cannot write ${file}: ${(error as Error).message.split(",")[0]}`, {
      cause: error,
    });
  }
}

async function labelsOf(
  from: number,
  n: number,
  dataset: ImageDataset,
  vit: ViT,
  grid: PatchGrid,
  options: LabelPatchesOptions,
): Promise<Uint8Array> {
  const labels = new Uint8Array(n * vit.nPatches);
  let next = 0;
  const work = async () => {
    for (let row = next++; row < n; row = next++) {
      options.signal?.throwIfAborted();
      const file = dataset.segmentation!(from + row);
      try {
        labels.set(await labelsOfOne(file, vit, grid, options), row * vit.nPatches);
      } catch (error) {
        if (options.onBadImage !== "skip" || !(error instanceof SaevError)) throw error;
        options.warn(`patches labelled 0: ${error.message}`);
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(options.workers, n) }, work));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return labels;
}

async function labelsOfOne(
  file: string,
  vit: ViT,
  grid: PatchGrid,
  options: LabelPatchesOptions,
): Promise<Uint8Array> {
  const pixels = await decodeImage(file, { signal: options.signal, maxPixels: options.maxPixels });
  const { data } = pixels;
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2])
      throw new SaevError("BAD_FILE", `${file}: expected a grey picture of class numbers, found colours`);
  }
  return patchLabels(pixels, vit.transform, grid);
}
