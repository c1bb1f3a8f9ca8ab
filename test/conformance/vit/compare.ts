/** What comparisons of models with the reference share. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Tensor, TensorFile } from "@saev/core";
import type { Outcome } from "../area.js";

/** A model of vit/models.json. */
export interface Model {
  readonly family: string;
  readonly vit_ckpt: string;
  readonly n_patches_per_img: number;
  readonly cls_token: boolean;
  readonly n_layers: number;
  readonly d_vit: number;
  readonly layer_sets: Readonly<Record<string, readonly number[]>>;
  readonly image_order: readonly string[];
  readonly n_images_in_activations: number;
  readonly n_images_in_other_layer_sets: number;
  /** File of the tensor `input`. */
  readonly input: string;
}

/** Largest deviation over the root mean square of the block: other orders of summation in float32. */
export const activationTolerance = 2e-5;

export const readJson = <T>(...parts: string[]): T =>
  JSON.parse(readFileSync(path.join(...parts), "utf8")) as T;

export const exact = (subject: string, deviation: number, note?: string): Outcome => ({
  subject,
  deviation,
  tolerance: 0,
  ...(note && { note }),
});

/** Entries that differ, missing ones included. */
export function differences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let n = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) n++;
  return n;
}

/** Largest |ours − theirs| over the root mean square of `theirs`; infinite when the lengths differ. */
export function deviation(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length || theirs.length === 0) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < theirs.length; i++) {
    const off = Math.abs(ours[i]! - theirs[i]!);
    if (!(off <= worst)) worst = off; // so that NaN stays
    squares += theirs[i]! ** 2;
  }
  return worst / Math.sqrt(squares / theirs.length);
}

/** An output of a model, ours and the reference's. */
export interface Output {
  /** The tensor of the reference. */
  readonly tensor: string;
  readonly ours: Float32Array;
  readonly theirs: Float32Array;
  readonly note: string;
}

/** A reference's outputs and how ours came about, for those who compare one of them. */
export interface Outputs {
  readonly about: Model;
  /** The model's folder. */
  readonly dir: string;
  readonly reference: TensorFile;
  /** All tokens after the last block, [images, tokens, d]. */
  readonly stream: Tensor;
  readonly embedding: Tensor | undefined;
}

/** `count` tokens of each image of [images, tokens, d], from token `first` on. */
export function tokensOf(
  values: Float32Array,
  [images, tokens, d]: readonly [number, number, number],
  first: number,
  count: number,
): Float32Array {
  const out = new Float32Array(images * count * d);
  for (let i = 0; i < images; i++) {
    const from = (i * tokens + first) * d;
    out.set(values.subarray(from, from + count * d), i * count * d);
  }
  return out;
}
