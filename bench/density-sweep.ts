import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { systemInfo, Tensor, Trainer } from "@saev/core";
import { median } from "./_median.js";
import { biases, normalStart } from "./_start.js";
import { Peer } from "./peers/peer.js";
import type { BenchResult } from "./result.js";

const [rows, dVit, dSae] = [4096, 768, 6144];
const densities = [0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60];
/** Of biases over latents: 1.5 makes a tenth of the latents some twenty times as active as the median one, at 1 %. */
const spreads = { alike: 0, skewed: 1.5 };
const steps = 3;

/**
 * Our step at every density, latents all alike and with skewed activity, and PyTorch's beside each, which takes the same time
 * whatever the density. What to look for is a cliff: a density from which on a little more costs much more.
 */
export default async (): Promise<BenchResult> => {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-"));
  try {
    return await sweep(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

async function sweep(folder: string): Promise<BenchResult> {
  const start = normalStart(rows, dVit, dSae, -2.457);
  for (const [name, values] of Object.entries(start)) writeFileSync(path.join(folder, `${name}.bin`), values);
  const threads = availableParallelism();
  const setup = { rows, d_vit: dVit, d_sae: dSae, lr: 4e-4, n_lr_warmup: 1, sparsity_coeff: 4e-4, threads };
  writeFileSync(path.join(folder, "setup.json"), JSON.stringify(setup));
  using peer = new Peer("train.py", [folder]);
  using x = Tensor.from(start.x, [rows, dVit]);
  using wEnc = Tensor.from(start.W_enc, [dVit, dSae]);
  using wDec = Tensor.from(start.W_dec, [dSae, dVit]);
  using bDec = Tensor.from(start.b_dec);
  await peer.ask("step");
  const notes = [`B ${rows}, d_vit ${dVit}, d_sae ${dSae}, ${threads} threads, level ${systemInfo().level}`];
  let worst = { ms: 0, peerMs: 0, ratio: Number.POSITIVE_INFINITY };
  for (const [name, spread] of Object.entries(spreads)) {
    let before: Point | undefined;
    for (const density of densities) {
      using trainer = Trainer.create(dVit);
      using bEnc = Tensor.from(biases(dSae, density / 100, spread));
      trainer.add({ wEnc, bEnc, wDec, bDec }, { nLrWarmup: 1 });
      const point = await measure(trainer, x, peer);
      const slope = before && (point.cpuMs - before.cpuMs) / (100 * (point.density - before.density));
      notes.push(
        `${name}, ${(100 * point.density).toFixed(2)} % active: ${point.ms.toFixed(0)} ms, ${point.cpuMs.toFixed(0)} ms of CPU, ` +
          `peer ${point.peerMs.toFixed(0)} ms, ratio ${point.ratio.toFixed(2)}` +
          (slope === undefined ? "" : `; ${slope.toFixed(1)} ms of CPU for one per cent more`),
      );
      process.stderr.write(`${notes.at(-1)}\n`);
      if (point.ratio < worst.ratio) worst = point;
      before = point;
    }
  }
  return {
    name: "density-sweep, worst",
    ours: worst.ms,
    peer: worst.peerMs,
    ratio: worst.ratio,
    unit: "ms/step",
    notes,
  };
}

interface Point {
  readonly ms: number;
  readonly cpuMs: number;
  readonly peerMs: number;
  readonly ratio: number;
  readonly density: number;
}

async function measure(trainer: Trainer, x: Tensor, peer: Peer): Promise<Point> {
  const times: number[] = [];
  const cpus: number[] = [];
  let density = 0;
  for (let i = 0; i <= steps; i++) {
    const cpu = process.cpuUsage();
    const begin = performance.now();
    const { saes } = await trainer.step(x);
    const ms = performance.now() - begin;
    const { user, system } = process.cpuUsage(cpu);
    // The first step does not know its density.
    if (i === 0) continue;
    times.push(ms);
    cpus.push((user + system) / 1e3);
    density = saes[0]?.density ?? Number.NaN;
  }
  const { ms: peerMs } = JSON.parse(await peer.ask("step")) as { ms: number };
  const ms = median(times);
  return { ms, cpuMs: Math.min(...cpus), peerMs, ratio: peerMs / ms, density };
}
