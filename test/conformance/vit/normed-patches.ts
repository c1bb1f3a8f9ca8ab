import path from "node:path";
import { TensorFile } from "@saev/core";
import { type Output, type Outputs, tokensOf } from "./compare.js";

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
export async function normedPatches(outputs: Outputs): Promise<Output | undefined> {
  const { about, dir, reference, stream } = outputs;
  const final = finals[about.family as keyof typeof finals];
  if (!final || !reference.names().includes(final.tensor)) return undefined;
  using theirs = reference.get(final.tensor);
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
  const n = about.n_patches_per_img;
  const patches = (values: Float32Array, shape: readonly number[]) =>
    tokensOf(values, shape as [number, number, number], shape[1]! - n, n);
  return {
    tensor: final.tensor,
    ours: patches(normed, stream.shape),
    theirs: patches(theirs.toFloat32Array(), theirs.shape),
    note: "patches after the final norm",
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
