import path from "node:path";
import { TensorFile, ViT } from "@saev/core";
import type { Outcome } from "../area.js";
import { activationTolerance, deviation, type Model } from "./compare.js";

/**
 * What the model makes of the tokens in the end: SigLIP's attention pool and DINOv2's normed CLS as they are; CLIP's normed CLS
 * through its projection, which the reference leaves out.
 */
export async function* embedding(folder: string, name: string, about: Model): AsyncIterable<Outcome> {
  const dir = path.join(folder, "vit", name);
  using reference = await TensorFile.open(path.join(dir, "reference.safetensors"));
  const there = ["out_cls", "out"].find((tensor) => reference.names().includes(tensor));
  if (there === undefined) return;
  using theirs = reference.get(there);
  using inputs = await TensorFile.open(path.join(folder, "vit", about.input));
  using all = inputs.get("input");
  using input = all.narrow(0, 0, theirs.shape[0]!);
  using vit = await ViT.load(about.family, dir);
  using ours = await vit.forward(input);
  let expected = theirs.toFloat32Array();
  // [images, tokens, d]: the CLS token is the first.
  if (theirs.shape.length === 3) expected = firstTokens(expected, theirs.shape as [number, number, number]);
  if (there === "out_cls") {
    using weights = await TensorFile.open(path.join(dir, "open_clip_model.safetensors"));
    if (weights.names().includes("visual.proj")) {
      using proj = weights.get("visual.proj");
      expected = product(expected, proj.toFloat32Array(), proj.shape as [number, number]);
    }
  }
  yield {
    subject: `vit/${name} ${there}`,
    deviation: deviation(ours.embedding?.toFloat32Array() ?? new Float32Array(), expected),
    tolerance: activationTolerance,
    note: "the embedding, relative to the root mean square",
  };
}

/** Token 0 of each image of [n, tokens, d]. */
const firstTokens = (values: Float32Array, [n, tokens, d]: readonly [number, number, number]): Float32Array =>
  Float32Array.from({ length: n * d }, (_, i) => values[Math.floor(i / d) * tokens * d + (i % d)]!);

/** Rows [n, d] times a matrix [d, columns], summed in float64. */
function product(
  rows: Float32Array,
  matrix: Float32Array,
  [d, columns]: readonly [number, number],
): Float32Array {
  return Float32Array.from({ length: (rows.length / d) * columns }, (_, i) => {
    const row = Math.floor(i / columns) * d;
    let sum = 0;
    for (let k = 0; k < d; k++) sum += rows[row + k]! * matrix[k * columns + (i % columns)]!;
    return sum;
  });
}
