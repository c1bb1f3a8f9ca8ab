/** What the reference writes of visuals, and how two things are compared. */
import { readFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import type { Outcome } from "../area.js";

export interface Mode {
  readonly config: Record<string, unknown> & {
    data: { shard_root: string };
    images: { root: string };
    ckpt: string;
  };
  readonly neurons_in_order: readonly number[];
  readonly dead_latents: readonly number[];
  readonly neurons: Readonly<Record<string, { n_png: number; png_kept: boolean; labels: readonly string[] }>>;
  readonly pt_dtypes: Readonly<Record<string, string>>;
  readonly pt_shapes: Readonly<Record<string, readonly number[]>>;
}

/**
 * Latents are sums of d_vit products: another order of summation moves them by some units in the last place of the
 * largest term. Of the largest value.
 */
export const latentTolerance = 2e-5;

export const readJson = (file: string) => JSON.parse(readFileSync(file, "utf8"));

export const exact = (subject: string, deviation: number, note: string): Outcome => ({
  subject,
  deviation,
  tolerance: 0,
  note,
});

/** Bytes that differ; all of them when the lengths do. */
export function bytesThatDiffer(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Math.max(a.length, b.length);
  let n = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) n++;
  return n;
}

export async function pngPixels(
  file: string,
): Promise<{ data: Uint8Array; width: number; height: number; channels: number }> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** Largest |a − b| where both are numbers; infinite where only one is. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(a[i]!) !== Number.isNaN(b[i]!)) return Number.POSITIVE_INFINITY;
    if (!Number.isNaN(a[i]!) && a[i] !== b[i]) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  }
  return most;
}

export const scaleOf = (values: Float32Array) =>
  values.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 1e-30);

export function largestLevel(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

export function metadataDifference(mine: string, other: string): number {
  const text = readFileSync(path.join(other, "metadata.json"), "utf8");
  const expected = JSON.parse(text.replace(/-?\bInfinity\b|\bNaN\b/g, "null"));
  const found = readJson(path.join(mine, "metadata.json"));
  if (Object.keys(found).join() !== Object.keys(expected).join()) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (const [key, value] of Object.entries(expected)) {
    if (value === null || found[key] === null) {
      if (value !== found[key]) return Number.POSITIVE_INFINITY;
    } else most = Math.max(most, Math.abs(found[key] - Number(value)));
  }
  return most;
}
