import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { metadataOf, metadataText, parseActivations, parseVisuals } from "@saev/config";
import { Tensor, writeSaeFile } from "@saev/core";
import { makeVisuals } from "@saev/visuals";
import sharp from "sharp";
import type { BenchResult } from "./result.js";

const nImgs = 100;
const nPatches = 196;
const dVit = 768;
const dSae = 6144;
const topK = 16;
const nLatents = 20;

/** Numbers between −1 and 1 that look random and are the same each time (xorshift32). */
function noise(n: number, seed: number): Float32Array {
  const out = new Float32Array(n);
  let x = seed;
  for (let i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out[i] = x / 2 ** 31;
  }
  return out;
}

/** Shards of one layer, photographs of 640 × 480, and an SAE of which about 1 % of the latents are active. */
async function prepare(folder: string) {
  const pictures = path.join(folder, "pictures", "class");
  mkdirSync(pictures, { recursive: true });
  const images: string[] = [];
  for (let i = 0; i < nImgs; i++) {
    // Coarse noise, scaled up: as smooth as photographs are, and as large when compressed.
    const coarse = Uint8Array.from(noise(64 * 48 * 3, i + 1), (v) => 128 + 110 * v);
    const file = path.join(pictures, `${String(i).padStart(3, "0")}.jpg`);
    await sharp(coarse, { raw: { width: 64, height: 48, channels: 3 } })
      .resize(640, 480)
      .jpeg()
      .toFile(file);
    images.push(file);
  }
  const shards = path.join(folder, "shards");
  mkdirSync(shards);
  const recording = parseActivations({
    data: { kind: "image-folder-dataset", root: path.join(folder, "pictures") },
    d_vit: dVit,
    vit_layers: [-1],
    n_patches_per_img: nPatches,
    n_patches_per_shard: nImgs * (nPatches + 1),
  });
  writeFileSync(path.join(shards, "metadata.json"), metadataText(metadataOf(recording, nImgs)));
  const shard = path.join(shards, "acts000000.bin");
  writeFileSync(shard, noise(nImgs * (nPatches + 1) * dVit, 7));
  const ckpt = path.join(folder, "sae.pt");
  const scale = 1 / Math.sqrt(dVit);
  const weights = () => noise(dVit * dSae, 11).map((v) => v * scale);
  await writeSaeFile(
    ckpt,
    { schema: 1, cls: "Relu", cfg: { d_vit: dVit, exp_factor: dSae / dVit } },
    {
      W_enc: Tensor.from(weights(), [dVit, dSae]),
      // A pre-activation has a standard deviation of 1/3: 2.33 of them leave 1 %.
      b_enc: Tensor.from(new Float32Array(dSae).fill(-0.776)),
      W_dec: Tensor.from(weights(), [dSae, dVit]),
      b_dec: Tensor.from(new Float32Array(dVit)),
    },
  );
  return { shard, shards, ckpt, images };
}

/** One run of ours: seconds until all rows are ranked, and until everything is written. */
async function ours(folder: string, shards: string, ckpt: string) {
  const dump_to = path.join(folder, "ours");
  rmSync(dump_to, { recursive: true, force: true });
  const cfg = parseVisuals({
    ckpt,
    data: { shard_root: shards, layer: -1, scale_mean: false, scale_norm: false },
    images: { kind: "image-folder-dataset", root: path.join(folder, "pictures") },
    top_k: topK,
    n_workers: availableParallelism(),
    device: "cpu",
    dump_to,
    log_freq_range: [-6, 0],
    log_value_range: [-6, 6],
    n_latents: nLatents,
  });
  const start = performance.now();
  let ranked = start;
  const made = await makeVisuals(cfg, {
    onProgress: ({ stage }) => {
      if (stage === "rows") ranked = performance.now();
    },
  });
  const pictures = readdirSync(path.join(made.root, "neurons"), { recursive: true }).filter((name) =>
    String(name).endsWith(".png"),
  ).length;
  return { rank: (ranked - start) / 1000, total: (performance.now() - start) / 1000, pictures };
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/**
 * A whole job: ranking 19,600 patches by 6,144 latents, then drawing the top images of 20. Ours makes plots and the
 * gallery besides.
 */
export default async function visuals(): Promise<BenchResult> {
  const python = process.env.SAEV_PYTHON;
  if (!python) throw new Error("set SAEV_PYTHON to a Python with torch, Pillow and matplotlib");
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-visuals-"));
  try {
    const { shard, shards, ckpt, images } = await prepare(folder);
    const out = path.join(folder, "peer");
    mkdirSync(out);
    const config = path.join(folder, "peer.json");
    writeFileSync(
      config,
      JSON.stringify({
        shard,
        ckpt,
        images,
        out,
        n_imgs: nImgs,
        n_patches: nPatches,
        d_vit: dVit,
        d_sae: dSae,
        top_k: topK,
        topk_batch_size: 16384,
        sae_batch_size: 16384,
        n_distributions: 25,
        percentile: 99,
        n_latents: nLatents,
        n_workers: availableParallelism(),
        threads: availableParallelism(),
      }),
    );
    const peer = () => {
      const run = spawnSync(python, [path.join(import.meta.dirname, "peers", "visuals.py"), config], {
        encoding: "utf8",
      });
      if (run.status !== 0) throw new Error(`the peer failed: ${run.stderr}`);
      return JSON.parse(run.stdout) as { rank: number; draw: number };
    };
    const own: Awaited<ReturnType<typeof ours>>[] = [];
    const theirs: ReturnType<typeof peer>[] = [];
    for (let i = 0; i < 3; i++) {
      own.push(await ours(folder, shards, ckpt));
      theirs.push(peer());
    }
    const mine = median(own.map((r) => r.total));
    const other = median(theirs.map((r) => r.rank + r.draw));
    const seconds = (values: readonly number[]) => `${median(values).toFixed(2)} s`;
    return {
      name: "visuals",
      ours: mine,
      peer: other,
      ratio: other / mine,
      unit: "s",
      notes: [
        `ranking ${nImgs * nPatches} patches by ${dSae} latents, top ${topK}: ours ${seconds(own.map((r) => r.rank))}, peer ${seconds(theirs.map((r) => r.rank))}`,
        `drawing ${own[0]!.pictures} pictures of ${nLatents} latents: ours (with plots and the gallery) ${seconds(own.map((r) => r.total - r.rank))}, peer ${seconds(theirs.map((r) => r.draw))}`,
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
