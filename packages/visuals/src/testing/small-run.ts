import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { metadataOf, metadataText, parseActivations, parseVisuals, type Visuals } from "@saev/config";
import { Tensor, writeSaeFile } from "@saev/core";
import sharp from "sharp";

export const nImages = 10;
export const nPatches = 4;
export const dVit = 6;
export const dSae = 12;

/** Activation of an image's token (0: CLS) at dimension k: any smooth function will do. */
export const act = (image: number, token: number, k: number) =>
  Math.fround(Math.sin(1.7 * image + 2.3 * token + 0.9 * k + 0.37 * image * k));

/** Encoder weight; latents 10 and 11 are dead. */
const weight = (k: number, latent: number) =>
  latent >= 10 ? 0 : Math.fround(Math.cos(0.8 * k + 1.9 * latent));
const bias = (latent: number) => (latent >= 10 ? -1 : -0.4);

/** Pre-activation computed the plain way, of a row of zeros without an image. */
export function preActivationOf(image: number | undefined, token: number, latent: number): number {
  let h = bias(latent);
  if (image === undefined) return h;
  for (let k = 0; k < dVit; k++) h += act(image, token, k) * weight(k, latent);
  return h;
}

/** f_x computed the plain way. */
export const latentOf = (image: number, token: number, latent: number): number =>
  Math.max(0, preActivationOf(image, token, latent));

/**
 * Writes pictures, shards and a checkpoint as earlier stages would, and gives the config that reads them.
 * @param cls whether the shards have CLS tokens, as CLIP's do, or none, as SigLIP's.
 */
export async function smallRun(folder: string, { cls = true } = {}): Promise<Visuals> {
  const pictures = path.join(folder, "pictures");
  for (let i = 0; i < nImages; i++) {
    const label = i < 4 ? "birds & bees" : "zoë";
    mkdirSync(path.join(pictures, label), { recursive: true });
    await sharp({
      create: {
        width: 60 + 7 * i,
        height: 80,
        channels: 3,
        background: { r: 25 * i, g: 120, b: 200 - 15 * i },
      },
    })
      .png()
      .toFile(path.join(pictures, label, `${String(i).padStart(2, "0")}.png`));
  }
  const shards = path.join(folder, "shards");
  mkdirSync(shards);
  const recording = parseActivations({
    data: { kind: "image-folder-dataset", root: pictures },
    vit_family: cls ? "clip" : "siglip",
    vit_ckpt: "made-up",
    cls_token: cls,
    d_vit: dVit,
    vit_layers: [-1],
    n_patches_per_img: nPatches,
    n_patches_per_shard: 100,
  });
  writeFileSync(path.join(shards, "metadata.json"), metadataText(metadataOf(recording, nImages)));
  const first = cls ? 0 : 1; // of the tokens that `act` numbers
  const tokens = nPatches + 1 - first;
  const acts = new Float32Array(Math.floor(100 / tokens) * tokens * dVit);
  for (let i = 0; i < nImages; i++) {
    for (let t = 0; t < tokens; t++) {
      for (let k = 0; k < dVit; k++) acts[(i * tokens + t) * dVit + k] = act(i, first + t, k);
    }
  }
  writeFileSync(path.join(shards, "acts000000.bin"), acts);
  const wEnc = Float32Array.from({ length: dVit * dSae }, (_, i) => weight(Math.floor(i / dSae), i % dSae));
  const bEnc = Float32Array.from({ length: dSae }, (_, latent) => bias(latent));
  const ckpt = path.join(folder, "sae.pt");
  await writeSaeFile(
    ckpt,
    { schema: 1, cls: "Relu", cfg: { d_vit: dVit, exp_factor: 2 } },
    {
      W_enc: Tensor.from(wEnc, [dVit, dSae]),
      b_enc: Tensor.from(bEnc),
      W_dec: Tensor.from(wEnc.slice(), [dSae, dVit]),
      b_dec: Tensor.from(new Float32Array(dVit)),
    },
  );
  return parseVisuals({
    ckpt,
    data: { shard_root: shards, layer: -1, scale_mean: false, scale_norm: false },
    images: { kind: "image-folder-dataset", root: pictures },
    top_k: 3,
    n_workers: 2,
    topk_batch_size: 7,
    sae_batch_size: 3,
    device: "cpu",
    dump_to: path.join(folder, "out"),
    log_freq_range: [-4, 0],
    log_value_range: [-4, 4],
    include_latents: [11],
    n_distributions: 4,
  });
}
