import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseTrain, Train } from "@saev/config";
import { type PartyTimes, systemInfo, trainSaes } from "@saev/core";
import { writeSyntheticShards } from "../packages/core-native/src/shards/testing/synthetic-shards.js";
import { median } from "./_median.js";
import type { BenchResult } from "./result.js";

const [rows, dVit, dSae, topK] = [2048, 768, 6144, 32];
const [images, patches] = [64, 128];
/** A run's steps, and those between two checkpoints; one is at the end of each run, with and without others. */
const stepsCounted = 12;
const stepsBetween = 4;
const rounds = 2;
/** Share of a run that checkpoints may take, in per cent. */
const allowed = 2;

/**
 * What checkpoints cost a run: `trainSaes` on shards, with checkpoints every few steps and without, in turn. From what each adds to the
 * run comes its share at the default interval (`checkpoint_minutes`); the peer is what is allowed.
 */
export default async (): Promise<BenchResult> => {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-"));
  try {
    return await compare(folder, await recorded(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

async function compare(folder: string, shardRoot: string): Promise<BenchResult> {
  let bytes = 0;
  let nSteps = 0;
  const run = async (checkpoint_every: number): Promise<PartyTimes> => {
    const cfg = parseTrain({
      data: { shard_root: shardRoot, layer: -1, n_random_samples: 1000 },
      sae: { kind: "top-k", top_k: topK, d_vit: dVit, d_sae: dSae, n_reinit_samples: 1000 },
      n_patches: stepsCounted * rows - 1,
      sae_batch_size: rows,
      checkpoint_minutes: 0,
      checkpoint_every,
      ckpt_path: path.join(folder, "runs"),
      device: "cpu",
      n_workers: 1,
    });
    const [done] = await trainSaes([cfg], { evaluate: false });
    const states = path.join(done!.dir, "states");
    bytes = statSync(path.join(states, readdirSync(states)[0] as string)).size;
    rmSync(done!.dir, { recursive: true });
    nSteps = done!.steps;
    return done!.times as PartyTimes;
  };
  const added: number[] = [];
  const blocked: number[] = [];
  const steps: number[] = [];
  const waited: number[] = [];
  let more = 0;
  for (let i = 0; i <= rounds; i++) {
    const without = await run(0);
    const among = await run(stepsBetween);
    if (i === 0) continue;
    more = among.checkpointsWritten - without.checkpointsWritten;
    if (more < 2) throw new Error(`${more} checkpoints more, expected several`);
    added.push((among.training - without.training) / more);
    blocked.push(among.checkpoints / among.checkpointsWritten);
    waited.push((100 * without.waiting) / without.training);
    steps.push((without.training - without.checkpoints) / nSteps);
  }
  const seconds = Math.max(median(added), median(blocked));
  const interval = 60 * (Train.parse({}) as Train).checkpoint_minutes;
  const share = (100 * seconds) / (interval + seconds);
  return {
    name: "checkpoint-cost",
    ours: share,
    peer: allowed,
    ratio: allowed / share,
    unit: "% of the run",
    notes: [
      `a checkpoint blocks training for ${median(blocked).toFixed(3)} s, and adds ${median(added).toFixed(3)} s to a run; ` +
        `the larger of the two, every ${interval} s (the default), is the share above`,
      `${(bytes / 1e6).toFixed(0)} MB a checkpoint, ${(bytes / 1e6 / median(blocked)).toFixed(0)} MB/s to the disk of ${tmpdir()}, written, checked and synced`,
      `top-k ${topK}, d_vit ${dVit}, d_sae ${dSae}, B ${rows}, ${median(steps).toFixed(3)} s a step, level ${systemInfo().level}; ${more} checkpoints in ${nSteps} steps, ${rounds} pairs of runs`,
      `a step waited for its activations in ${median(waited).toFixed(2)} % of the run, the first one's whole read included (at most 3 % is asked)`,
      "whatever they take, checkpoints by time wait until they are 1 % of it",
    ],
  };
}

function recorded(folder: string): Promise<string> {
  let state = 7;
  return writeSyntheticShards(path.join(folder, "shards"), {
    ...{ images, patches, dVit, perShard: images * patches },
    values: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    },
  });
}
