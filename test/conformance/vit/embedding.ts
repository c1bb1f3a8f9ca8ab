import path from "node:path";
import { TensorFile } from "@saev/core";
import { type Output, type Outputs, tokensOf } from "./compare.js";

/**
 * What the model makes of the tokens in the end: SigLIP's attention pool and DINOv2's normed CLS as they are; CLIP's normed CLS
 * through its projection, which the reference leaves out.
 */
export async function embedding({ reference, dir, embedding: ours }: Outputs): Promise<Output | undefined> {
  const tensor = ["out_cls", "out"].find((each) => reference.names().includes(each));
  if (tensor === undefined) return undefined;
  using theirs = reference.get(tensor);
  let expected = theirs.toFloat32Array();
  // [images, tokens, d]: the CLS token is the first.
  if (theirs.shape.length === 3)
    expected = tokensOf(expected, theirs.shape as [number, number, number], 0, 1);
  if (tensor === "out_cls") {
    using weights = await TensorFile.open(path.join(dir, "open_clip_model.safetensors"));
    if (weights.names().includes("visual.proj")) {
      using proj = weights.get("visual.proj");
      expected = product(expected, proj.toFloat32Array(), proj.shape as [number, number]);
    }
  }
  return {
    tensor,
    ours: ours?.toFloat32Array() ?? new Float32Array(),
    theirs: expected,
    note: "the embedding",
  };
}

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
