/**
 * Recording the activations of real JPEGs: ViT-B/32, 224 px, layer −2, batches of 32, from the files to the shards. The peer
 * is the same work as the Python package does it (bench/peers/activations.py). Both run in turn, on the same weights
 * and the same files; loading the model is not counted.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseActivations } from "@saev/config";
import { recordActivations } from "@saev/core";
import {
  type TinyClip,
  tinyWeights,
  writeTinyClip,
} from "../packages/core-native/src/vit/testing/tiny-clip.js";
import { writePhotographs } from "./_photographs.js";
import { Peer } from "./peers/peer.js";
import type { BenchResult } from "./result.js";

const nImages = 128;
const repetitions = 3;
const batch = 32;
const workers = 2;
const tokens = 50;
const width = 768;
const vitB32: TinyClip = {
  vision: { image_size: 224, patch_size: 32, width, layers: 12, head_width: 64, mlp_ratio: 4 },
};

/** Records everything into a new folder. @returns images a second, and the folder. */
async function ours(root: string, dump: string): Promise<{ rate: number; dir: string }> {
  const cfg = parseActivations({
    data: { root: path.join(root, "images") },
    dump_to: dump,
    vit_ckpt: path.join(root, "model"),
    vit_batch_size: batch,
    n_workers: workers,
    d_vit: width,
    vit_layers: [-2],
    n_patches_per_img: tokens - 1,
    n_patches_per_shard: tokens * nImages,
    device: "cpu",
  });
  let began = 0;
  const { dir } = await recordActivations(cfg, {
    onProgress: ({ done, imagesPerSecond }) => {
      // The first report says when the first picture was begun: after the model was loaded.
      began ||= performance.now() - (done / imagesPerSecond) * 1000;
    },
  });
  return { rate: nImages / ((performance.now() - began) / 1000), dir };
}

/** Largest difference of the two recordings over the root mean square. */
function deviation(a: Float32Array, b: Float32Array): number {
  let worst = 0;
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    squares += b[i]! ** 2;
  }
  return worst / Math.sqrt(squares / b.length);
}

const floats = (file: string): Float32Array => {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

export default async function activations(): Promise<BenchResult> {
  const root = mkdtempSync(path.join(os.tmpdir(), "saev-bench-activations-"));
  try {
    await writePhotographs(path.join(root, "images"), nImages);
    await writeTinyClip(path.join(root, "model"), vitB32, tinyWeights(vitB32, 1, 0.15));
    using peer = new Peer("activations.py", [root, String(batch), String(workers)]);
    await peer.ask("ready");
    const mine: number[] = [];
    const theirs: number[] = [];
    let off = 0;
    for (let i = 0; i < repetitions; i++) {
      const dump = path.join(root, `ours-${i}`);
      const { rate, dir } = await ours(root, dump);
      mine.push(rate);
      theirs.push(Number(await peer.ask(`run ${path.join(root, "peer.bin")}`)));
      if (i === 0)
        off = deviation(floats(path.join(dir, "acts000000.bin")), floats(path.join(root, "peer.bin")));
      rmSync(dump, { recursive: true });
    }
    if (!(off < 1e-3)) throw new Error(`the two recordings differ by ${off} of the root mean square`);
    const [own, other] = [median(mine), median(theirs)];
    return {
      name: "activations",
      ours: own,
      peer: other,
      ratio: median(mine.map((rate, i) => rate / theirs[i]!)),
      unit: "images/s",
      notes: [
        `ViT-B/32, 224 px, layer -2, batch ${batch}, ${workers} workers, ${nImages} JPEGs, ${repetitions} runs each in turn`,
        `largest difference ${off.toExponential(1)} of the root mean square`,
      ],
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
