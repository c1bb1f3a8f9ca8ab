/**
 * Decoding alone: real JPEGs to the normalised input of a ViT, 224 px, on two workers. The peer is Pillow and torch in the
 * workers of a DataLoader, as the Python package has them (bench/peers/activations.py). Both run in turn.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os, { availableParallelism } from "node:os";
import path from "node:path";
import { ViT } from "@saev/core";
import { BatchDecoder } from "../packages/core-native/src/activations/batch-decoder.js";
import { ImageFolder } from "../packages/core-native/src/images/image-folder.js";
import { addon } from "../packages/core-native/src/native/load.js";
import { tinyWeights, writeTinyClip } from "../packages/core-native/src/vit/testing/tiny-clip.js";
import { median } from "./_median.js";
import { writePhotographs } from "./_photographs.js";
import { Peer } from "./peers/peer.js";
import type { BenchResult } from "./result.js";

const nImages = 128;
const repeats = 4;
const batch = 32;
const pairs = 5;
const tiny = {
  vision: { image_size: 224, patch_size: 32, width: 64, layers: 1, head_width: 64, mlp_ratio: 4 },
};

/** Images a second with `workers` of ours, and milliseconds of CPU an image. */
async function ours(dataset: ImageFolder, vit: ViT, workers: number): Promise<{ rate: number; cpu: number }> {
  const decoder = new BatchDecoder(dataset, vit, {
    workers,
    onBadImage: "error",
    signal: undefined,
    maxPixels: undefined,
  });
  const began = performance.now();
  const before = process.cpuUsage();
  for (let i = 0; i < repeats; i++) {
    for (let from = 0; from < nImages; from += batch) (await decoder.batch(from, batch)).input.dispose();
  }
  const { user, system } = process.cpuUsage(before);
  const images = nImages * repeats;
  return { rate: images / ((performance.now() - began) / 1000), cpu: (user + system) / 1000 / images };
}

export default async function decode(): Promise<BenchResult> {
  const root = mkdtempSync(path.join(os.tmpdir(), "saev-bench-decode-"));
  try {
    await writePhotographs(path.join(root, "images"), nImages);
    await writeTinyClip(path.join(root, "model"), tiny, tinyWeights(tiny, 1, 0.15));
    using vit = await ViT.load("clip", path.join(root, "model"));
    const dataset = await ImageFolder.open(path.join(root, "images"));
    using peer = new Peer("activations.py", [root, String(batch), "2"]);
    const mine: number[] = [];
    const theirs: number[] = [];
    const scaling: number[] = [];
    let cpu = Number.POSITIVE_INFINITY;
    await ours(dataset, vit, 2);
    for (let i = 0; i < pairs; i++) {
      const two = await ours(dataset, vit, 2);
      theirs.push(Number(await peer.ask(`decode 2 ${repeats}`)));
      const one = await ours(dataset, vit, 1);
      mine.push(two.rate);
      scaling.push(two.rate / one.rate);
      cpu = Math.min(cpu, one.cpu);
    }
    return {
      name: "decode",
      ours: median(mine),
      peer: median(theirs),
      ratio: median(mine.map((rate, i) => rate / theirs[i]!)),
      unit: "images/s",
      notes: [
        `JPEG to a normalised 224 px input, 2 workers, ${nImages * repeats} images a run, ${pairs} runs each in turn`,
        `two workers ${median(scaling).toFixed(2)} times as fast as one, on ${availableParallelism()} cores`,
        `${cpu.toFixed(2)} ms of CPU an image; JPEG by ${addon().jpegLibrary() || "sharp"}`,
      ],
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
