/**
 * What ranking costs as the patches grow: 19,600, twice and four times as many, by 6,144 latents. The "peer" is four times the
 * processor time of the smallest: a ratio of 1 is linear, more is better.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { RankCost } from "./_rank.js";
import { dSae, nPatches, writeSae, writeShards } from "./_visuals.js";
import type { BenchResult } from "./result.js";

const sizes = [100, 200, 400];
const rounds = 3;

export default async function visualsScaling(): Promise<BenchResult> {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-visuals-"));
  try {
    const ckpt = path.join(folder, "sae.pt");
    await writeSae(ckpt);
    const shards = sizes.map((n) => writeShards(path.join(folder, String(n)), folder, n));
    const costs: RankCost[][] = sizes.map(() => []);
    for (let round = 0; round < rounds; round++)
      for (const [i, root] of shards.entries()) costs[i]!.push(rank(root, ckpt));
    const best = costs.map((all) => ({
      cpu: Math.min(...all.map(({ cpu }) => cpu)),
      wall: Math.min(...all.map(({ wall }) => wall)),
      memory: Math.max(...all.map(({ memory }) => memory)),
    }));
    const times = sizes.at(-1)! / sizes[0]!;
    const [ours, peer] = [best.at(-1)!.cpu, times * best[0]!.cpu];
    return {
      name: "visuals-scaling",
      ...{ ours, peer, ratio: peer / ours, unit: "s of processor time" },
      notes: [
        ...best.map(
          ({ cpu, wall, memory }, i) =>
            `${sizes[i]! * nPatches} patches: ${cpu.toFixed(2)} s of processor time, ${wall.toFixed(2)} s; ${(memory / 2 ** 20).toFixed(0)} MiB at most`,
        ),
        `${dSae} latents; memory is what no file backs, at its most, and holds 4 bytes for each firing value and each entry of distributions.pt, both to a limit`,
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** In a process of its own, so that no memory is left from others. */
function rank(shards: string, ckpt: string): RankCost {
  const program = path.join(import.meta.dirname, "_rank.ts");
  const run = spawnSync(process.execPath, [...process.execArgv, program, shards, ckpt], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`ranking failed: ${run.stderr}`);
  return JSON.parse(run.stdout) as RankCost;
}
