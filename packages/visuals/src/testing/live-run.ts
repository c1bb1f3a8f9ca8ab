import { mkdirSync } from "node:fs";
import path from "node:path";
import { parseActivations, parseVisuals, type Visuals } from "@saev/config";
import { recordActivations, SparseAutoencoder, Tensor } from "@saev/core";
import sharp from "sharp";
import {
  randomNumbers,
  tinyClip,
  tinyWeights,
  writeTinyClip,
} from "../../../core-native/src/vit/testing/tiny-clip.js";

/** Sizes of the model: pictures of 32 × 32 pixels, 4 × 4 patches. */
export const side = 32;
export const nPatches = 16;
export const dVit = 12;
export const dSae = 40;
/** The layer that is recorded, of three. */
export const layer = -2;
export const nImages = 8;

const clip = { ...tinyClip, vision: { ...tinyClip.vision, image_size: side } };

/** A picture that differs for every number. */
export const picture = (i: number) => {
  const random = randomNumbers(11 + i);
  const [width, height] = [40 + 3 * i, 36];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) =>
    at % 3 === 0 ? 25 * i + (at % 50) : 128 + 90 * random(),
  );
  return sharp(data, { raw: { width, height, channels: 3 } });
};

/**
 * Pictures, a small CLIP that is really there, its activations, and an SAE of them: what the explorer needs to look at
 * pictures. @returns the config that makes visuals of it.
 */
export async function liveRun(folder: string, patches: "patches" | "cls" = "patches"): Promise<Visuals> {
  const pictures = path.join(folder, "pictures", "all");
  mkdirSync(pictures, { recursive: true });
  for (let i = 0; i < nImages; i++)
    await picture(i)
      .png()
      .toFile(path.join(pictures, `${i}.png`));
  const model = path.join(folder, "model");
  await writeTinyClip(model, clip, tinyWeights(clip));
  const images = { kind: "image-folder-dataset", root: path.join(folder, "pictures") };
  const { dir } = await recordActivations(
    parseActivations({
      data: images,
      ...{ vit_family: "clip", vit_ckpt: model, vit_layers: [layer], d_vit: dVit, cls_token: true },
      ...{ n_patches_per_img: nPatches, vit_batch_size: 3, n_workers: 1, device: "cpu" },
      dump_to: path.join(folder, "shards"),
    }),
  );
  const random = randomNumbers(5);
  const wEnc = Float32Array.from({ length: dVit * dSae }, () => 0.5 * random());
  const wDec = Float32Array.from(
    { length: dSae * dVit },
    (_, i) => wEnc[(i % dVit) * dSae + Math.floor(i / dVit)]!,
  );
  using sae = SparseAutoencoder.from({
    wEnc: Tensor.from(wEnc, [dVit, dSae]),
    bEnc: Tensor.from(new Float32Array(dSae).fill(-0.3)),
    wDec: Tensor.from(wDec, [dSae, dVit]),
    bDec: Tensor.from(new Float32Array(dVit)),
  });
  const ckpt = path.join(folder, "sae.pt");
  await sae.save(ckpt);
  return parseVisuals({
    ckpt,
    data: { shard_root: dir, layer, patches, n_random_samples: 50 },
    images,
    ...{
      sort_by: patches === "cls" ? "cls" : "patch",
      top_k: 6,
      n_latents: 2,
      n_distributions: 2,
      n_workers: 1,
      device: "cpu",
    },
    dump_to: path.join(folder, `out-${patches}`),
    ...{ log_freq_range: [-6, 0], log_value_range: [-6, 6] },
  });
}
