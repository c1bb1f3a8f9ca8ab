import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Dataset, datasetOfRepr } from "@saev/config";
import { SaevError } from "../errors.js";
import { type ImageDataset, openDataset } from "../images/image-dataset.js";
import { datasetOfShards } from "../shards/dataset-of-shards.js";
import type { ShardFolder } from "../shards/shard-folder.js";

/** Classes by number, and the class of each image, or of each patch of each image; −1: none. */
export interface Labels {
  readonly classes: readonly string[];
  readonly of: Int32Array;
}

/**
 * The images that shards were recorded from.
 * @param images takes the place of where they were; empty: they are where they were.
 * @returns the reason in words when they are not at hand.
 */
export async function imagesOfShards(
  shards: ShardFolder,
  images: string,
): Promise<{ readonly dataset: ImageDataset } | { readonly reason: string }> {
  const config = configOf(shards, images);
  if (config === undefined) {
    return {
      reason: `${shards.dir} does not say in words which images it was recorded from; give their folder with --images`,
    };
  }
  let dataset: ImageDataset;
  try {
    dataset = await openDataset(config, { onlyCached: "evaluation downloads no images" });
  } catch (error) {
    if (!(error instanceof SaevError)) throw error;
    return { reason: `the images are not at hand (${error.message}); say where they are with --images` };
  }
  if (dataset.length === shards.imagesDone) return { dataset };
  return {
    reason: `${dataset.root} has ${dataset.length} images now, ${shards.dir} was recorded from ${shards.imagesDone}; say where those are with --images`,
  };
}

function configOf(shards: ShardFolder, images: string): Dataset | undefined {
  if (images === "") {
    const found = datasetOfShards(shards);
    return "dataset" in found ? found.dataset : undefined;
  }
  if (shards.protocol21 === undefined) return datasetOfRepr(shards.metadata.data, images);
  // Most datasets of the Python package are folders of class folders.
  return { kind: "image-folder-dataset", root: images };
}

/** Labels of images; undefined where fewer than two labels are told apart. */
export async function imageLabels(dataset: ImageDataset, signal?: AbortSignal): Promise<Labels | undefined> {
  const of = new Int32Array(dataset.length).fill(-1);
  const numbers = new Map(dataset.classes.map((name, i) => [name, i]));
  const listed = numbers.size > 0;
  for (let i = 0; i < dataset.length; i++) {
    if (i % 1000 === 0) signal?.throwIfAborted();
    const label = await dataset.label(i);
    if (label === "") continue;
    if (!listed && !numbers.has(label)) numbers.set(label, numbers.size);
    of[i] = numbers.get(label) ?? -1;
  }
  const classes = [...numbers.keys()];
  return new Set(of.filter((c) => c >= 0)).size >= 2 ? { classes, of } : undefined;
}

/**
 * Labels of patches, from `labels.bin` beside the shards: a class of 0 to 255 for each patch of each image, named by its
 * number. Undefined where there is none.
 * @throws SaevError `BAD_FILE` for a file of another size.
 */
export async function patchClasses(shards: ShardFolder): Promise<Labels | undefined> {
  const file = path.join(shards.dir, "labels.bin");
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  if (bytes === undefined) return undefined;
  const expected = shards.imagesDone * shards.metadata.n_patches_per_img;
  if (bytes.length !== expected) {
    throw new SaevError(
      "BAD_FILE",
      `${file}: expected ${expected} bytes, a label for each patch of ${shards.imagesDone} images, found ${bytes.length}`,
    );
  }
  const of = Int32Array.from(bytes);
  const highest = of.reduce((a, b) => Math.max(a, b), 0);
  return { classes: Array.from({ length: highest + 1 }, (_, c) => String(c)), of };
}
