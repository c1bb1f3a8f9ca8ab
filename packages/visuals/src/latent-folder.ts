import path from "node:path";
import { makeFolder } from "@saev/core";
import { type HighlightGround, type HighlightStyle, highlight } from "./highlight.js";
import type { PngLane } from "./png-lane.js";
import type { PngOnGround } from "./png-on-ground.js";
import type { RankedImage } from "./ranking.js";
import type { LatentLogs } from "./select-latents.js";
import { writeFileAtomic } from "./write-file.js";

/** There are thousands of these: they are synced together, see `Staging.publish`. */
const later = { sync: false };

/** `neurons/<latent>`: the folder's name is the Python package's. */
export const latentFolder = (root: string, latent: number) => path.join(root, "neurons", String(latent));

/** Where one picture of a latent goes, and what is drawn on it. */
export interface PictureJob {
  readonly folder: string;
  /** Its place among the latent's pictures: the name of its files. */
  readonly position: number;
  readonly ranked: RankedImage;
  readonly upper: number;
}

/** What all pictures of an image share, and the lane that this one is made in. */
export interface PictureMeans {
  readonly ground: HighlightGround;
  readonly png: PngOnGround;
  readonly lane: PngLane;
  readonly style: HighlightStyle;
  readonly label: string;
}

/**
 * Writes `<position>.png` (highlighted if the image is ranked by patches; else as the model saw it, RGB) and
 * `<position>.txt` (the label and a newline). Highlights are RGBA, but for crops, which are RGB.
 */
export async function writePicture(
  job: PictureJob,
  { ground, png, lane, style, label }: PictureMeans,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { values } = job.ranked;
  const picture = values
    ? await highlight(ground, values, style, { upper: job.upper, into: lane.pixels, signal })
    : ground.view;
  await writeFileAtomic(path.join(job.folder, `${job.position}.png`), await png.encode(picture, lane), later);
  await writeFileAtomic(path.join(job.folder, `${job.position}.txt`), `${label}\n`, later);
}

/**
 * Writes `metadata.json`: `neuron`, `log10_freq`, `log10_value`, as the Python package has them. That package writes
 * NaN and -Infinity, which is no JSON; here what has no number is null.
 */
export async function writeLatentMetadata(folder: string, latent: number, logs: LatentLogs): Promise<void> {
  makeFolder(folder);
  const number = (x: number) => (Number.isFinite(x) ? String(x) : "null");
  await writeFileAtomic(
    path.join(folder, "metadata.json"),
    `{"neuron": ${latent}, "log10_freq": ${number(logs.log10Freq)}, "log10_value": ${number(logs.log10Value)}}`,
    later,
  );
}
