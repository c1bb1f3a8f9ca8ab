import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { ActivationLoader, openDataset, SparseAutoencoder } from "@saev/core";
import { makeVisuals } from "@saev/visuals";
import { drawPictures } from "../packages/visuals/src/draw-pictures.js";
import { rankRows } from "../packages/visuals/src/rank-rows.js";
import { selectLatents } from "../packages/visuals/src/select-latents.js";
import { writeTables } from "../packages/visuals/src/tables.js";
import { together } from "../packages/visuals/src/together.js";
import { legacyTransform } from "../packages/visuals/src/view.js";
import { median } from "./_median.js";
import { dSae, dVit, makeScene, nPatches, type Scene, topK, visualsOf } from "./_visuals.js";
import type { BenchResult } from "./result.js";

const nImgs = 100;
/** Latents that ours draws, and the peer. */
const many = 400;
const few = 20;
const rounds = 2;
/** The peer takes about a minute. */
const peerRounds = 1;

interface Times {
  /** Seconds until all rows are ranked. */
  readonly rank: number;
  /** From there until everything is written. */
  readonly draw: number;
  readonly pictures: number;
}

/**
 * What the peer does and nothing else, from the loaded SAE on: rank all rows, choose latents, write the tables, and for each picture
 * of each latent its PNG and its label.
 */
async function sameWork(scene: Scene, name: string, nLatents: number): Promise<Times> {
  const cfg = visualsOf(scene, name, nLatents);
  using sae = await SparseAutoencoder.load(cfg.ckpt);
  const start = performance.now();
  using loader = await ActivationLoader.open(cfg.data, { order: "ordered", nWorkers: cfg.n_workers });
  const images = await openDataset(cfg.images);
  const ranked = await rankRows({ cfg, loader, sae, patches: nPatches });
  const between = performance.now();
  try {
    const { tables, stats } = ranked;
    const latents = selectLatents(tables.sparsity.toFloat32Array(), tables.meanValues.toFloat32Array(), cfg);
    const rankings = latents.map(ranked.rank);
    mkdirSync(cfg.dump_to, { recursive: true });
    await together(undefined, [
      (signal) => writeTables(cfg.dump_to, cfg, stats!, tables as never, { signal }),
      (signal) =>
        drawPictures(cfg.dump_to, rankings, images, {
          ...{ transform: legacyTransform, style: "overlay", galleryImages: 0, signal },
          concurrency: cfg.n_workers,
        }),
    ]);
    return {
      rank: (between - start) / 1000,
      draw: (performance.now() - between) / 1000,
      pictures: rankings.reduce((n, r) => n + r.images.length, 0),
    };
  } finally {
    ranked.dispose();
  }
}

/** The peer's times for `few` latents, after its imports and from its loaded SAE on. */
function peerWork(scene: Scene, python: string, name: string): Times {
  const out = path.join(scene.folder, name);
  mkdirSync(out);
  const config = path.join(scene.folder, `${name}.json`);
  const cores = availableParallelism();
  writeFileSync(
    config,
    JSON.stringify({
      ...{ shard: scene.shard, ckpt: scene.ckpt, images: scene.images, out },
      ...{ n_imgs: scene.nImgs, n_patches: nPatches, d_vit: dVit, d_sae: dSae, top_k: topK },
      ...{ topk_batch_size: 16384, sae_batch_size: 16384, n_distributions: 25, percentile: 99 },
      ...{ n_latents: few, n_workers: cores, threads: cores },
    }),
  );
  const run = spawnSync(python, [path.join(import.meta.dirname, "peers", "visuals.py"), config], {
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`the peer failed: ${run.stderr}`);
  return JSON.parse(run.stdout) as Times;
}

/** Seconds of our whole command: the same and the gallery, plots, statistics and examples. */
async function wholeJob(scene: Scene, name: string, nLatents: number): Promise<number> {
  const start = performance.now();
  await makeVisuals(visualsOf(scene, name, nLatents));
  return (performance.now() - start) / 1000;
}

/**
 * Ranking 19,600 patches by 6,144 latents, then drawing the top images of 400 (ours) and 20 (the peer): what a latent takes in
 * each, everything counted. Beside it the same 20 latents in both, and our whole command.
 */
export default async function visuals(): Promise<readonly BenchResult[]> {
  const python = process.env.SAEV_PYTHON;
  if (!python) throw new Error("set SAEV_PYTHON to a Python with torch, Pillow and matplotlib");
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-visuals-"));
  try {
    const scene = await makeScene(folder, nImgs);
    const large: Times[] = [];
    const small: Times[] = [];
    const whole: number[] = [];
    const peers: Times[] = [];
    for (let round = 0; round < rounds; round++) {
      // Each into a folder of its own: ext4 searches long for room after many files were deleted.
      large.push(await sameWork(scene, `many-${round}`, many));
      small.push(await sameWork(scene, `few-${round}`, few));
      whole.push(await wholeJob(scene, `whole-${round}`, few));
      if (round < peerRounds) peers.push(peerWork(scene, python, `peer-${round}`));
    }
    const total = (times: readonly Times[]) => median(times.map(({ rank, draw }) => rank + draw));
    const s = (x: number) => `${x.toFixed(2)} s`;
    const parts = (times: readonly Times[]) =>
      `${s(total(times))} (ranking ${s(median(times.map((t) => t.rank)))}, tables and ${times[0]!.pictures} pictures ${s(median(times.map((t) => t.draw)))})`;
    const peer = total(peers);
    return [
      {
        name: "visuals",
        variant: `a latent, of ${many} and of ${few}`,
        ours: (1000 * total(large)) / many,
        peer: (1000 * peer) / few,
        ratio: peer / few / (total(large) / many),
        unit: "ms",
        notes: [
          `both rank ${nImgs * nPatches} patches by ${dSae} latents, top ${topK}, and write six tables, each latent's highlighted pictures of 448 × 448 as PNG, and labels; clocks start when the SAE is loaded`,
          `ours, ${many} latents: ${parts(large)}; peer, ${few} latents: ${parts(peers)}, which leaves out images that come twice`,
          `the peer's whole job over ours, which draws ${many / few} times the latents: ${(peer / total(large)).toFixed(2)}`,
        ],
      },
      {
        name: "visuals",
        variant: `the same ${few} latents`,
        ...{ ours: total(small), peer, ratio: peer / total(small), unit: "s" },
        notes: [`ours: ${parts(small)}`],
      },
      {
        name: "visuals",
        variant: `the command, ${few} latents`,
        ...{ ours: median(whole), peer, ratio: peer / median(whole), unit: "s" },
        notes: [
          "ours makes the gallery, plots, statistics for the explorer and examples besides, syncs, and loads the SAE within the time",
        ],
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
