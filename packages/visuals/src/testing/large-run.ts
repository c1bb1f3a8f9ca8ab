import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { metadataOf, metadataText, parseActivations, parseVisuals } from "@saev/config";
import { Tensor, writeSaeFile, writeSafetensors, writeTensor } from "@saev/core";
import sharp from "sharp";
import { examplesFpath, nExamples, nSampledImages } from "../examples-file.js";
import { histogramBins, statisticsFpath } from "../statistics-file.js";

export interface LargeRunSizes {
  readonly dSae: number;
  /** Top images of each latent. */
  readonly topK: number;
  /** Patches of an image, a square number. */
  readonly nPatches: number;
  readonly dVit: number;
  readonly nImages: number;
  /** Only the tables that the Python package writes too. */
  readonly tablesOnly?: boolean;
}

/** int64 from small numbers, without a BigInt for each. */
function int64(n: number, value: (i: number) => number): BigInt64Array {
  const halves = new Int32Array(2 * n);
  for (let i = 0; i < n; i++) halves[2 * i] = value(i);
  return new BigInt64Array(halves.buffer);
}

/** Mulberry32: the same each time. */
function random(state: number): () => number {
  let at = state;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let t = Math.imul(at ^ (at >>> 15), 1 | at);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Writes what `saev visuals` leaves of a run of any size, with values that are made up: all tables in their formats, photographs
 * of 500 × 375, shards and a checkpoint. Made in seconds, since nothing is computed.
 * @returns the visuals folder, `sort_by_patch` in `folder`.
 */
export async function largeRun(folder: string, sizes: LargeRunSizes): Promise<string> {
  const { dSae, dVit } = sizes;
  const pictures = path.join(folder, "pictures");
  await writePictures(pictures, sizes.nImages);
  const images = { kind: "image-folder-dataset", root: pictures };
  const shards = writeShards(path.join(folder, "shards"), images, sizes);
  const ckpt = path.join(folder, "sae.pt");
  const next = random(3);
  const weights = Float32Array.from({ length: dSae * dVit }, () => next() - 0.5);
  await writeSaeFile(
    ckpt,
    { schema: 1, cls: "Relu", cfg: { d_vit: dVit, exp_factor: dSae / dVit } },
    {
      W_enc: Tensor.from(weights, [dVit, dSae]),
      b_enc: Tensor.from(new Float32Array(dSae)),
      W_dec: Tensor.from(weights, [dSae, dVit]),
      b_dec: Tensor.from(new Float32Array(dVit)),
    },
  );
  const root = path.join(folder, "sort_by_patch");
  mkdirSync(root, { recursive: true });
  const cfg = parseVisuals({
    ckpt,
    data: { shard_root: shards, layer: -1, scale_mean: false, scale_norm: false },
    images,
    top_k: sizes.topK,
    dump_to: folder,
  });
  writeFileSync(path.join(root, "visuals.json"), JSON.stringify({ config: cfg, notes: [] }));
  await writeTables(root, sizes);
  if (!sizes.tablesOnly) await writeExamples(root, sizes);
  return root;
}

async function writePictures(folder: string, n: number): Promise<void> {
  for (let i = 0; i < n; i++) {
    const next = random(i + 1);
    // Coarse noise, scaled up: as smooth as photographs are, and as large when compressed.
    const coarse = Uint8Array.from({ length: 50 * 38 * 3 }, () => 20 + 215 * next());
    const label = path.join(folder, `class ${i % 10}`);
    mkdirSync(label, { recursive: true });
    await sharp(coarse, { raw: { width: 50, height: 38, channels: 3 } })
      .resize(500, 375, { fit: "fill" })
      .jpeg()
      .toFile(path.join(label, `${String(i).padStart(4, "0")}.jpg`));
  }
}

function writeShards(
  folder: string,
  images: { readonly kind: string; readonly root: string },
  { nPatches, dVit, nImages }: LargeRunSizes,
): string {
  mkdirSync(folder);
  const recording = parseActivations({
    data: images,
    ...{ vit_family: "clip", vit_ckpt: "made-up", vit_layers: [-1], d_vit: dVit, cls_token: true },
    ...{ n_patches_per_img: nPatches, n_patches_per_shard: nImages * (nPatches + 1) },
  });
  writeFileSync(path.join(folder, "metadata.json"), metadataText(metadataOf(recording, nImages)));
  const next = random(5);
  const acts = Float32Array.from({ length: nImages * (nPatches + 1) * dVit }, () => next() - 0.4);
  writeFileSync(path.join(folder, "acts000000.bin"), acts);
  return folder;
}

/** The tables of all latents; heat maps are those of one latent over and over. */
async function writeTables(root: string, sizes: LargeRunSizes): Promise<void> {
  const { dSae, topK, nPatches, nImages } = sizes;
  const next = random(7);
  // One in fifty never fires, as in real runs; the others spread over four powers of ten.
  const frequency = Float32Array.from({ length: dSae }, (_, i) =>
    i % 50 === 7 ? 0 : 10 ** (-1 - 4 * next()),
  );
  const mean = frequency.map((f) => (f === 0 ? Number.NaN : 10 ** (next() - 0.5)));
  const maxima = mean.map((m) => (Number.isNaN(m) ? 0 : 5 * m));
  const save = (name: string, tensor: Tensor) => writeTensor(path.join(root, `${name}.pt`), tensor);
  await save("sparsity", Tensor.from(frequency));
  await save("mean_values", Tensor.from(mean));
  await save("percentiles_p99", Tensor.from(mean.map((m) => 2 * (m || 0))));
  // The heat maps of one latent, taken over by the others: they are only to be as many bytes.
  const map = Float32Array.from({ length: topK * nPatches }, (_, i) =>
    next() < 0.3 ? ((topK - Math.floor(i / nPatches)) / topK) * next() : 0,
  );
  const values = new Float32Array(dSae * topK * nPatches);
  for (let latent = 0; latent < dSae; latent++) {
    if (frequency[latent]! > 0) values.set(map, latent * map.length);
  }
  using topValues = Tensor.from(values, [dSae, topK, nPatches]);
  await save("top_values", topValues);
  const list = int64(dSae * topK, (at) => (7 * ((at % topK) + 3 * Math.floor(at / topK))) % nImages);
  using topImages = Tensor.from(list, [dSae, topK]);
  await save("top_img_i", topImages);
  if (sizes.tablesOnly) return;
  const counts = int64(dSae * histogramBins, (at) => (at * 13) % 97);
  await writeSafetensors(
    statisticsFpath(root),
    {
      firings: Tensor.from(int64(dSae, (i) => Math.round(frequency[i]! * 1e6))),
      max_values: Tensor.from(maxima),
      histogram_lo: Tensor.from(new Float32Array(dSae).fill(-3)),
      histogram_hi: Tensor.from(maxima.map((m) => Math.log10(m || 1))),
      histogram_log10: Tensor.from(new Uint8Array(dSae).fill(1)),
      histogram_counts: Tensor.from(counts, [dSae, histogramBins]),
    },
    { metadata: { rows: String(1e6), images: String(nImages) } },
  );
}

async function writeExamples(root: string, { dSae, nPatches, nImages }: LargeRunSizes): Promise<void> {
  const next = random(9);
  const sampled = Math.min(nSampledImages, nImages);
  const bytes = Math.ceil(sampled / 8);
  const perMap = Math.max(1, Math.floor(nPatches / 4));
  const n = Math.min(nExamples, nImages);
  const maps = dSae * n;
  const images = int64(maps, (i) => (i * 11) % nImages);
  const values = Float32Array.from({ length: maps }, (_, i) => 1 / (1 + (i % n)));
  const fired = Uint8Array.from({ length: dSae * bytes }, () => (next() < 0.1 ? 1 << (8 * next()) : 0));
  await writeSafetensors(examplesFpath(root), {
    counts: Tensor.from(int64(dSae, () => nImages)),
    images: Tensor.from(images, [dSae, n]),
    values: Tensor.from(values, [dSae, n]),
    mapStarts: Tensor.from(int64(maps + 1, (i) => i * perMap)),
    mapPatches: Tensor.from(Int32Array.from({ length: maps * perMap }, (_, i) => i % perMap)),
    mapValues: Tensor.from(
      Float32Array.from(
        { length: maps * perMap },
        (_, i) => values[Math.floor(i / perMap)]! / (1 + (i % perMap)),
      ),
    ),
    sampledImages: Tensor.from(int64(sampled, (i) => i)),
    fired: Tensor.from(fired, [dSae, bytes]),
  });
}
