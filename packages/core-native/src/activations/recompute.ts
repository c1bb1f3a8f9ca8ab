import { type Dataset, datasetWords } from "@saev/config";
import { SaevError } from "../errors.js";
import { type ImageDataset, openDataset } from "../images/image-dataset.js";
import { requireDatasetOfShards } from "../shards/dataset-of-shards.js";
import type { ShardFolder } from "../shards/shard-folder.js";
import { resolveLayers } from "../vit/layers.js";
import { ViT } from "../vit/vit.js";
import { BatchDecoder } from "./batch-decoder.js";

export interface RecomputeOptions {
  /** Images that are computed again. */
  readonly images: number;
  /** The pictures that were recorded. Default: those that the metadata name. */
  readonly data?: Dataset | undefined;
  /** The model that recorded them, as the `vit_ckpt` of `Activations`. Default: the one that the metadata name. */
  readonly vitCkpt?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Numbers in [0, 1) that choose the images. Default: `Math.random`. */
  readonly random?: () => number;
}

/** What became of a look at some images of a shard folder. */
export type Recomputation =
  | { readonly done: false /** Why it could not be done, in one line. */; readonly why: string }
  | {
      readonly done: true;
      readonly images: readonly number[];
      /** Largest ‖stored − recomputed‖ / ‖recomputed‖ of a token, and where it is. */
      readonly worst: {
        readonly error: number;
        readonly image: number;
        readonly layer: number;
        readonly token: number;
      };
      /** What {@link worst} may be. */
      readonly tolerance: number;
    };

/**
 * How far recomputed activations may be from stored ones. In float32 they differ by 1e-6 of a token's size with another
 * order of sums; the Python package records on GPUs with products of TF32, which have 11 bits and are off by some 1e-3 after
 * two dozen blocks. Its pictures may be off by two levels, where Pillow 13 shrank them (docs/deviations.md): 1.4 % of a token's
 * size in the first layer of a small random CLIP. Another model, another picture or another preprocessing is off by a tenth and more. bfloat16 products
 * have 8 bits; rounding to the stored format comes on top.
 */
function toleranceOf(folder: ShardFolder): number {
  const stored = { float32: 0, float16: 2 ** -11, bfloat16: 2 ** -8 }[folder.layout.dtype];
  if (folder.computeDtype === "bfloat16") return 0.05 + stored;
  return (folder.unmarked ? 0.03 : 0.01) + stored;
}

/**
 * Computes some images of a shard folder again, with the model and the pictures that its metadata or `options` name, and
 * compares. Both must be here: nothing is downloaded. The images are spread over the folder, one at random in each of as many stretches;
 * holes are left out.
 * @throws SaevError `BAD_FILE`, `IO` for shards that cannot be read; the reason of `signal`.
 */
export async function recompute(folder: ShardFolder, options: RecomputeOptions): Promise<Recomputation> {
  const dataset = await openedOr(options, () => picturesOf(folder, options.data));
  if ("why" in dataset) return { done: false, why: dataset.why };
  const opened = await openedOr(options, () => modelOf(folder, options));
  if ("why" in opened) return { done: false, why: opened.why };
  using vit = opened;
  const misfit = whyNot(folder, dataset, vit);
  if (misfit !== undefined) return { done: false, why: misfit };
  const layers = resolveLayers(folder.metadata.layers, vit.nLayers);
  const images = sample(folder, options.images, options.random ?? Math.random);
  const decoder = new BatchDecoder(dataset, vit, {
    workers: 1,
    onBadImage: "error",
    signal: options.signal,
    maxPixels: undefined,
  });
  let worst = { error: 0, image: images[0] ?? 0, layer: folder.metadata.layers[0]!, token: 0 };
  const { nTokens, dVit } = folder.layout;
  for (const image of images) {
    const stored = await folder.readImage(image);
    let computed: Float32Array;
    try {
      const { input } = await decoder.batch(image, 1);
      using _input = input;
      using acts = await vit.record(input, layers, { signal: options.signal });
      computed = acts.toFloat32Array();
    } catch (error) {
      if (!(error instanceof SaevError)) throw error;
      return { done: false, why: error.message };
    }
    for (let at = 0; at < stored.length; at += dVit) {
      const error = relativeError(stored.subarray(at, at + dVit), computed.subarray(at, at + dVit));
      if (error <= worst.error) continue;
      const row = at / dVit;
      const layer = folder.metadata.layers[Math.floor(row / nTokens)]!;
      worst = { error, image, layer, token: row % nTokens };
    }
  }
  return { done: true, images, worst, tolerance: toleranceOf(folder) };
}

/** What `open` gives, or why it cannot. @throws the reason of `signal`. */
async function openedOr<T extends object>(
  { signal }: RecomputeOptions,
  open: () => Promise<T>,
): Promise<T | { readonly why: string }> {
  try {
    return await open();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    return { why: error.message };
  }
}

/** @throws SaevError with the flag that names them where they are not known or not here. */
async function picturesOf(folder: ShardFolder, named: Dataset | undefined): Promise<ImageDataset> {
  const config = named ?? requireDatasetOfShards(folder);
  try {
    return await openDataset(config, { onlyCached: "nothing is downloaded to verify shards" });
  } catch (error) {
    if (named !== undefined || !(error instanceof SaevError)) throw error;
    throw new SaevError(
      error.code,
      `${error.message}; if they are elsewhere now, name them: ${datasetWords(config)}`,
    );
  }
}

/** @throws SaevError with the flag that names it where it is not here. */
async function modelOf(folder: ShardFolder, { vitCkpt, signal }: RecomputeOptions): Promise<ViT> {
  const { vit_family, vit_ckpt } = folder.metadata;
  const computeDtype = folder.computeDtype ?? "float32";
  try {
    return await ViT.load(vit_family, vitCkpt ?? vit_ckpt, { offline: true, computeDtype, signal });
  } catch (error) {
    if (vitCkpt !== undefined || !(error instanceof SaevError)) throw error;
    throw new SaevError(error.code, `${error.message}; if it lies elsewhere, name it: --vit-ckpt MODEL`);
  }
}

/** Why images of this dataset and this model are not those of the folder, if sizes tell. */
function whyNot(folder: ShardFolder, dataset: ImageDataset, vit: ViT): string | undefined {
  const { d_vit, n_patches_per_img, cls_token } = folder.metadata;
  if (dataset.length !== folder.imagesDone)
    return `${dataset.root} has ${dataset.length} pictures now, and ${folder.imagesDone} were recorded: which is which is not known`;
  if (vit.dVit !== d_vit || vit.nPatches !== n_patches_per_img || vit.clsToken !== cls_token) {
    const sizes = (d: number, patches: number, cls: boolean) =>
      `d_vit ${d}, ${patches} patches and ${cls ? "a" : "no"} CLS token`;
    return `the model in ${vit.folder} has ${sizes(vit.dVit, vit.nPatches, vit.clsToken)}; recorded were ${sizes(d_vit, n_patches_per_img, cls_token)}`;
  }
  return undefined;
}

/** One image of each of `n` equal stretches, the next one that is no hole. */
function sample({ imagesDone, holes }: ShardFolder, n: number, random: () => number): number[] {
  const left = new Set(holes);
  const count = Math.min(n, imagesDone);
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((i * imagesDone) / count), Math.floor(((i + 1) * imagesDone) / count)];
    const first = Math.floor(random() * (to - from));
    for (let k = 0; k < to - from; k++) {
      const image = from + ((first + k) % (to - from));
      if (!left.has(image)) return image;
    }
    return undefined;
  }).filter((image) => image !== undefined);
}

function relativeError(stored: Float32Array, computed: Float32Array): number {
  let [difference, size] = [0, 0];
  for (let c = 0; c < computed.length; c++) {
    difference += (stored[c]! - computed[c]!) ** 2;
    size += computed[c]! ** 2;
  }
  const error = Math.sqrt(difference / size);
  return Number.isNaN(error) ? (difference === 0 ? 0 : Number.POSITIVE_INFINITY) : error;
}
