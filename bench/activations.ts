/**
 * Recording the activations of real JPEGs: ViT-B/32, 224 px, layer −2, batches of 32, from the files to the shards. The peer
 * is the same work as the Python package does it (bench/peers/activations.py). Both run in turn, on the same weights
 * and the same files; loading the model is not counted.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseActivations } from "@saev/config";
import { recordActivations, systemInfo, ViT } from "@saev/core";
import { addon } from "../packages/core-native/src/native/load.js";
import {
  type TinyClip,
  tinyWeights,
  writeTinyClip,
} from "../packages/core-native/src/vit/testing/tiny-clip.js";
import { median } from "./_median.js";
import { writePhotographs } from "./_photographs.js";
import { Peer } from "./peers/peer.js";
import type { BenchResult } from "./result.js";

const nImages = 256;
const repetitions = 3;
const batch = 32;
const workers = 2;
const tokens = 50;
const width = 768;
const vitB32: TinyClip = {
  vision: { image_size: 224, patch_size: 32, width, layers: 12, head_width: 64, mlp_ratio: 4 },
};

/** Records everything into a new folder. @returns images a second, and the folder. */
async function ours(
  root: string,
  dump: string,
  dtype: "float32" | "bfloat16" = "float32",
): Promise<{ rate: number; dir: string }> {
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
    compute_dtype: dtype,
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

/** Root mean square of the difference over that of `b`, block by block, of a batch. */
async function blockErrors(root: string): Promise<number[]> {
  using exact = await ViT.load("clip", path.join(root, "model"));
  using half = await ViT.load("clip", path.join(root, "model"), { computeDtype: "bfloat16" });
  const files = readdirSync(path.join(root, "images", "all")).slice(0, 16);
  using input = await exact.preprocess(files.map((file) => path.join(root, "images", "all", file)));
  const layers = Array.from({ length: exact.nLayers }, (_, i) => i);
  using a = await half.record(input, layers);
  using b = await exact.record(input, layers);
  return layers.map((layer) => {
    const [found, wanted] = [a, b].map((t) => t.narrow(1, layer, 1).toFloat32Array()) as [
      Float32Array,
      Float32Array,
    ];
    const off = wanted.reduce((sum, w, i) => sum + (found[i]! - w) ** 2, 0);
    const size = wanted.reduce((sum, w) => sum + w * w, 0);
    return Math.sqrt(off / size);
  });
}

const floats = (file: string): Float32Array => {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
};

export default async function activations(): Promise<BenchResult> {
  const root = mkdtempSync(path.join(os.tmpdir(), "saev-bench-activations-"));
  try {
    await writePhotographs(path.join(root, "images"), nImages);
    await writeTinyClip(path.join(root, "model"), vitB32, tinyWeights(vitB32, 1, 0.15));
    using peer = new Peer("activations.py", [root, String(batch), String(workers)]);
    await peer.ask("ready");
    const mine: number[] = [];
    const theirs: number[] = [];
    const half: number[] = [];
    const { cpuFeatures, level } = systemInfo();
    const hasBfloat16 = level === "avx512" && cpuFeatures.includes("avx512_bf16");
    let off = 0;
    for (let i = 0; i < repetitions; i++) {
      const dump = path.join(root, `ours-${i}`);
      const { rate, dir } = await ours(root, dump);
      mine.push(rate);
      theirs.push(Number(await peer.ask(`run ${path.join(root, "peer.bin")}`)));
      if (i === 0)
        off = deviation(floats(path.join(dir, "acts000000.bin")), floats(path.join(root, "peer.bin")));
      rmSync(dump, { recursive: true });
      if (!hasBfloat16) continue;
      half.push((await ours(root, dump, "bfloat16")).rate);
      rmSync(dump, { recursive: true });
    }
    const errors = hasBfloat16 ? await blockErrors(root) : [];
    const rates = await addon().measureProducts(batch * tokens, width, 4 * width);
    const share = (name: string, rate: number) =>
      `${name} ${rate.toFixed(0)} GFLOP/s, ${((100 * rate) / rates.peak).toFixed(0)} % of it`;
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
        `float32 peak of the cores ${rates.peak.toFixed(0)} GFLOP/s; products: ${share("the library", rates.library)}; ${share("ours", rates.ours)}`,
        ...(hasBfloat16
          ? [
              `compute_dtype bfloat16: ${median(half).toFixed(1)} images/s, ` +
                `${median(half.map((rate, i) => rate / theirs[i]!)).toFixed(2)} times the peer's float32; ` +
                `product ${rates.bfloat16.toFixed(0)} GFLOP/s`,
              `its relative error after each block: ${errors.map((e) => e.toExponential(1)).join(" ")}`,
            ]
          : ["no AVX512-BF16 here: compute_dtype bfloat16 is not available"]),
        `largest difference ${off.toExponential(1)} of the root mean square`,
      ],
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
