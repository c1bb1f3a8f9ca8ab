/** What the reference writes of shards, and how two things are compared. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { DataLoad, Metadata } from "@saev/config";
import type { Outcome } from "../area.js";

export interface Run {
  readonly hash: string;
  readonly config: { readonly vit_batch_size: number };
  readonly metadata: Metadata;
  readonly n_imgs_per_shard: number;
  readonly shard_shape: readonly number[];
  readonly files: Readonly<Record<string, number>>;
  readonly image_order: readonly string[];
}

export interface Case {
  readonly id: number;
  readonly patches: DataLoad["patches"];
  readonly layer: DataLoad["layer"];
  readonly scale_mean: boolean | string;
  readonly scale_norm: boolean | string;
  readonly clamp: number;
  readonly n_random_samples: number;
  readonly len: number;
  readonly scalar?: number;
  readonly error_init?: string;
  readonly error_getitem?: string;
}

/** Of sums over rows, relative to the largest value: the reference adds float32 in another order. */
export const sumTolerance = 1e-5;

export const exact = (subject: string, deviation: number, note?: string): Outcome => ({
  subject,
  deviation,
  tolerance: 0,
  ...(note && { note }),
});

export const readJson = <T>(...parts: string[]): T =>
  JSON.parse(readFileSync(path.join(...parts), "utf8")) as T;

/** Entries that differ, missing ones included. */
export function differences(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  let n = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (!Object.is(a[i], b[i])) n++;
  return n;
}

/** Largest difference over the largest value of `theirs`. */
export function relative(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 1e-30;
  for (let i = 0; i < theirs.length; i++) {
    const d = Math.abs(ours[i]! - theirs[i]!);
    if (!(d <= difference)) difference = d;
    largest = Math.max(largest, Math.abs(theirs[i]!));
  }
  return difference / largest;
}
