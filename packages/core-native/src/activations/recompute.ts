import { type Dataset, datasetOfRepr } from "@saev/config";
import { SaevError } from "../errors.js";
import { type ImageDataset, openDataset } from "../images/image-dataset.js";
import { unpickledText } from "../shards/protocol21.js";
import type { ShardFolder } from "../shards/shard-folder.js";
import { resolveLayers } from "../vit/layers.js";
import { ViT } from "../vit/vit.js";
import { BatchDecoder } from "./batch-decoder.js";

export interface RecomputeOptions {
  /** Images that are computed again. */
  readonly images: number;
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
 * two dozen blocks. Another model, another picture or another preprocessing is off by a tenth and more. bfloat16 products
 * have 8 bits; rounding to the stored format comes on top.
 */
function toleranceOf(folder: ShardFolder): number {
  const stored = { float32: 0, float16: 2 ** -11, bfloat16: 2 ** -8 }[folder.layout.dtype];
  return (folder.computeDtype === "bfloat16" ? 0.05 : 0.01) + stored;
}

/**
 * Computes some images of a shard folder again, with the model and the pictures that its metadata name, and compares. Both
 * must be here: nothing is downloaded. The images are spread over the folder, one at random in each of as many stretches;
 * holes are left out.
 * @throws SaevError `BAD_FILE`, `IO` for shards that cannot be read; the reason of `signal`.
 */
export async function recompute(folder: ShardFolder, options: RecomputeOptions): Promise<Recomputation> {
  let dataset: ImageDataset;
  let vit: ViT;
  try {
    dataset = await openDataset(datasetOf(folder), { onlyCached: "nothing is downloaded to verify shards" });
    const { vit_family, vit_ckpt } = folder.metadata;
    const computeDtype = folder.computeDtype ?? "float32";
    vit = await ViT.load(vit_family, vit_ckpt, { offline: true, computeDtype, signal: options.signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    return { done: false, why: error.message };
  }
  using _vit = vit;
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

/** The dataset that the metadata name. @throws SaevError `UNSUPPORTED` that says why it is not known. */
function datasetOf({ metadata, protocol21 }: ShardFolder): Dataset {
  const text = protocol21 ? unpickledText(protocol21.data) : metadata.data;
  if (text === undefined)
    throw new SaevError(
      "UNSUPPORTED",
      `the dataset is a pickle of the Python package (its root is ${protocol21?.dataset}), and pickles of objects are not read`,
    );
  const dataset = datasetOfRepr(text);
  if (dataset) return dataset;
  throw new SaevError("UNSUPPORTED", `no dataset is known by ${JSON.stringify(text.slice(0, 80))}`);
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
