import path from "node:path";
import { TensorFile, ViT } from "@saev/core";
import type { Outcome } from "../area.js";
import { activationTolerance, deviation, type Model } from "./compare.js";

/** The tensor of the reference, its final norm: the file with the weights, their name, ε of the model's own code. */
const finals = {
  clip: {
    tensor: "out_patches",
    file: "open_clip_model.safetensors",
    norm: "visual.ln_post",
    epsilon: 1e-5,
  },
  dinov2: { tensor: "out", file: "model.pth", norm: "norm", epsilon: 1e-6 },
} as const;

/** All that the last block makes of the patches, after the model's final norm: CLIP's `out_patches`, DINOv2's `out`. */
export async function* normedPatches(folder: string, name: string, about: Model): AsyncIterable<Outcome> {
  const final = finals[about.family as keyof typeof finals];
  if (!final) return;
  const dir = path.join(folder, "vit", name);
  using reference = await TensorFile.open(path.join(dir, "reference.safetensors"));
  if (!reference.names().includes(final.tensor)) return;
  using theirs = reference.get(final.tensor);
  const [images, tokens, d] = theirs.shape as [number, number, number];
  using inputs = await TensorFile.open(path.join(folder, "vit", about.input));
  using all = inputs.get("input");
  using input = all.narrow(0, 0, images);
  using vit = await ViT.load(about.family, dir);
  using stream = await vit.residual(input, -1);
  using weights = await TensorFile.open(path.join(dir, final.file));
  using weight = weights.get(`${final.norm}.weight`);
  using bias = weights.get(`${final.norm}.bias`);
  const normed = layerNorm(
    stream.toFloat32Array(),
    weight.toFloat32Array(),
    bias.toFloat32Array(),
    final.epsilon,
  );
  // Both end with the patches; what lies before them, CLS and registers, is compared as the embedding.
  const patches = (values: Float32Array, perImage: number) => lastTokens(values, images, perImage, d, about);
  yield {
    subject: `vit/${name} ${final.tensor}`,
    deviation: deviation(patches(normed, stream.shape[1]!), patches(theirs.toFloat32Array(), tokens)),
    tolerance: activationTolerance,
    note: "patches after the final norm, relative to the root mean square",
  };
}

/** Layer normalisation of each row, in float64. */
function layerNorm(
  rows: Float32Array,
  weight: Float32Array,
  bias: Float32Array,
  epsilon: number,
): Float32Array {
  const d = weight.length;
  const out = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i += d) {
    const row = rows.subarray(i, i + d);
    const mean = row.reduce((sum, v) => sum + v, 0) / d;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / d;
    for (let k = 0; k < d; k++)
      out[i + k] = ((row[k]! - mean) / Math.sqrt(variance + epsilon)) * weight[k]! + bias[k]!;
  }
  return out;
}

/** The last `n_patches_per_img` of each image's tokens. */
function lastTokens(
  values: Float32Array,
  images: number,
  perImage: number,
  d: number,
  { n_patches_per_img }: Model,
): Float32Array {
  const out = new Float32Array(images * n_patches_per_img * d);
  for (let i = 0; i < images; i++) {
    const from = (i * perImage + perImage - n_patches_per_img) * d;
    out.set(values.subarray(from, from + n_patches_per_img * d), i * n_patches_per_img * d);
  }
  return out;
}
