import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import type { ResolvedTrain } from "@saev/config";
import { resolveModel } from "../hub/resolve.js";
import { type ImageDataset, openDataset } from "../images/image-dataset.js";
import { LiveLoader, liveLayers } from "../loading/live-loader.js";
import { numpyPermutation } from "../loading/numpy-permutation.js";
import { ViT } from "../vit/vit.js";
import type { TrainingData, TrainingDataOptions } from "./training-data.js";

/**
 * Opens the images and the ViT of a config with `data.live`.
 *
 * SAEs are evaluated on as many images as are shuffled together: all of them where they fit the buffer, else some drawn at
 * random, always the same; all of them would be another pass of the ViT over everything.
 * @throws SaevError as `openDataset`, {@link ViT.load} and {@link LiveLoader.open}.
 */
export async function openLiveData(
  cfg: ResolvedTrain,
  { seed, nWorkers, signal, warn }: TrainingDataOptions,
): Promise<TrainingData> {
  const { data } = cfg;
  const note = warn && { onNote: warn };
  const dataset = await openDataset(cfg.images, { signal, ...note });
  const vit = await ViT.load(data.vit_family, data.vit_ckpt, {
    signal,
    computeDtype: data.compute_dtype,
    ...note,
  });
  const from = { vit, dataset };
  const common = { nWorkers, buffer: cfg.buffer, signal, ...(warn && { warn }) };
  let source: LiveLoader | undefined;
  try {
    const fingerprint = await liveFingerprint(cfg, from);
    source = await LiveLoader.open(data, from, { ...common, order: "shuffled", seed });
    const scaling = source;
    return {
      source,
      fingerprint,
      name: `${dataset.root} through ${data.vit_ckpt}`,
      evaluation: async () => {
        const images = await some(scaling.images, scaling.imagesPerBlock, signal);
        return LiveLoader.open(data, from, { ...common, order: "ordered", images, scaling });
      },
      [Symbol.dispose]: () => {
        scaling.dispose();
        vit.dispose();
      },
    };
  } catch (error) {
    source?.dispose();
    vit.dispose();
    throw error;
  }
}

/** `n` of some images, ascending; 0: all. */
async function some(images: readonly number[], n: number, signal?: AbortSignal): Promise<readonly number[]> {
  if (n === 0) return images;
  using drawn = await numpyPermutation(42, images.length, { count: n, signal });
  return Array.from(drawn.toTypedArray() as BigInt64Array, (i) => images[Number(i)]!).sort((a, b) => a - b);
}

/** Images and places in the weights that are looked at. */
const samples = 64;
/** Bytes of each. */
const most = 4096;

/** What tells one model and one list of images from another without reading all of them. */
async function liveFingerprint(
  cfg: ResolvedTrain,
  { vit, dataset }: { readonly vit: ViT; readonly dataset: ImageDataset },
): Promise<string> {
  const { data } = cfg;
  const hash = createHash("sha256");
  const { dVit, nPatches, clsToken, nLayers } = vit;
  const layers = liveLayers(data, nLayers);
  hash.update(JSON.stringify(["live", dataset.length, data.vit_family, dVit, nPatches, clsToken, layers]));
  hash.update(JSON.stringify([data.compute_dtype, vit.transform]));
  for (const file of (await resolveModel(data.vit_family, data.vit_ckpt, { offline: true })).weights) {
    const { size } = await stat(file);
    hash.update(String(size));
    for (let i = 0; i < samples; i++) hash.update(await bytesAt(file, Math.floor((i * size) / samples)));
  }
  for (let i = 0; i < Math.min(samples, dataset.length); i++) {
    const image = await dataset.image(Math.floor((i * dataset.length) / Math.min(samples, dataset.length)));
    hash.update(typeof image === "string" ? await bytesAt(image, 0) : image.subarray(0, most));
  }
  return hash.digest("hex").slice(0, 32);
}

async function bytesAt(file: string, from: number): Promise<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(most), 0, most, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
