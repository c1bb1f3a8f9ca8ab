import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import type { ResolvedTrain } from "@saev/config";
import { resolveModel } from "../hub/resolve.js";
import { type ImageDataset, openDataset } from "../images/image-dataset.js";
import { LiveLoader, liveLayers } from "../loading/live-loader.js";
import type { RowScaling } from "../loading/row-scaling.js";
import { ViT } from "../vit/vit.js";
import { drawImages, holdOut, imagesWithout } from "./held-out.js";
import type { TrainingData, TrainingDataOptions } from "./training-data.js";
import { imagesOfRows, openValidation, sampledImages, validationImages } from "./validation-data.js";

/**
 * Opens the images and the ViT of a config with `data.live`.
 *
 * SAEs are evaluated on as many images as are shuffled together: all of them where they fit the buffer, else some drawn at
 * random, always the same; all of them would be another pass of the ViT over everything. With images set aside it is on those.
 * @throws SaevError as `openDataset`, {@link ViT.load} and {@link LiveLoader.open}.
 */
export async function openLiveData(
  cfg: ResolvedTrain,
  { seed, nWorkers, signal, warn }: TrainingDataOptions,
  given: { readonly scaling?: RowScaling },
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
    const all = imagesWithout(dataset.length, []);
    const heldOut = await holdOut(all, cfg, signal);
    const images = heldOut ? imagesWithout(dataset.length, heldOut.images) : all;
    source = await LiveLoader.open(data, from, { ...common, order: "shuffled", seed, images, ...given });
    const scaling = source;
    const ordered = (some: readonly number[], buffer: number) =>
      LiveLoader.open(data, from, { ...common, order: "ordered", images: some, buffer, scaling });
    const perImage = source.length / images.length;
    const recorded =
      cfg.val_data.shard_root === ""
        ? undefined
        : await validationImages(cfg, { heldOut, fingerprint, dVit: source.dim });
    const recordedSample = recorded && (await sampledImages(recorded, cfg, signal));
    const scaled = { nWorkers, signal, scaling };
    return {
      source,
      fingerprint,
      name: `${dataset.root} through ${data.vit_ckpt}`,
      clamp: data.clamp,
      heldOut,
      validation: async () => {
        if (recordedSample) return openValidation(recordedSample, scaled);
        if (!heldOut) return undefined;
        const n = imagesOfRows(cfg.n_val, perImage);
        const some = await drawImages(heldOut.images, n, cfg.val_seed, signal);
        // A buffer that holds them all keeps them: they go through the ViT once.
        return ordered(some, some.length * perImage);
      },
      evaluation: async () => {
        // Training is over: two buffers would be more than was planned.
        scaling.release();
        if (recorded) return openValidation(recorded, scaled);
        if (heldOut) return ordered(heldOut.images, cfg.buffer);
        return ordered(await someOf(scaling, signal), cfg.buffer);
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

/** As many of a loader's images as are shuffled together, always the same. */
const someOf = ({ images, imagesPerBlock }: LiveLoader, signal?: AbortSignal) =>
  drawImages(images, imagesPerBlock || images.length, 42, signal);

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
