import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeSyntheticShards } from "../../packages/core-native/src/shards/testing/synthetic-shards.js";
import { randomNumbers } from "../../packages/core-native/src/vit/testing/tiny-clip.js";
import { compile } from "../e2e/saev.js";
import { childArgs, runChild } from "./child.js";

// Results are equal on the same number of threads; tiny models gain nothing from several.
process.env.OMP_NUM_THREADS = "1";

/** Kills of each setup: five of four make twenty; `SAEV_KILLS=20` kills each of them so often. */
const nKills = Number(process.env.SAEV_KILLS ?? 5);

const dVit = 24;
const nImgs = 80;
const nPatches = 16;
let root: string;
let shardRoot: string;

beforeAll(async () => {
  compile();
  root = mkdtempSync(path.join(tmpdir(), "saev-train-kill-"));
  const random = randomNumbers(5);
  shardRoot = await writeSyntheticShards(path.join(root, "shards"), {
    ...{ images: nImgs, patches: nPatches, dVit, values: () => random() },
  });
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (ckptPath: string, sae: object, more: object = {}) => ({
  data: { shard_root: shardRoot, layer: -1, n_random_samples: 200 },
  n_workers: 1,
  n_patches: 12_000 * nKills,
  sae: { d_vit: dVit, exp_factor: 4, n_reinit_samples: 200, ...sae },
  lr: 2e-3,
  n_lr_warmup: 20,
  sae_batch_size: 64,
  log_every: 50,
  checkpoint_every: 40,
  checkpoint_minutes: 0,
  ckpt_path: ckptPath,
  device: "cpu",
  ...more,
});

const kinds: readonly (readonly [string, (ckptPath: string) => object[]])[] = [
  ["Relu", (at) => [config(at, { kind: "relu" }, { objective: { sparsity_coeff: 1e-2 } })]],
  ["BatchTopK with AuxK", (at) => [config(at, { kind: "batch-top-k", top_k: 4, k_aux: 8 })]],
  [
    "Matryoshka",
    (at) => [
      config(
        at,
        { kind: "relu" },
        { objective: { kind: "matryoshka", n_prefixes: 4, sparsity_coeff: 1e-2 } },
      ),
    ],
  ],
  [
    "a sweep of eight",
    (at) =>
      Array.from({ length: 8 }, (_, i) =>
        config(
          at,
          { kind: "relu", seed: i },
          { objective: { sparsity_coeff: 1e-3 * (i + 1) }, lr: 1e-3 * (i + 1) },
        ),
      ),
  ],
];

/** Starts a training and kills it `ms` after the first sign that it trains. */
function killed(cfgs: object[], ms: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const args = [...childArgs("train-child.mjs"), JSON.stringify(cfgs)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), ms));
    child.on("error", reject);
    child.on("close", (_, signal) => resolve(signal));
  });
}

/** Weights of every run, oldest first, and its metrics without the id of the run. */
function outcome(folder: string) {
  return readdirSync(folder)
    .sort()
    .map((run) => ({
      sae: readFileSync(path.join(folder, run, "sae.pt")).toString("base64"),
      metrics: readFileSync(path.join(folder, run, "metrics.jsonl"), "utf8")
        .split("\n")
        .slice(1),
      evaluation: readFileSync(path.join(folder, run, "evaluation.json"), "utf8"),
    }));
}

it.each(kinds)(
  `%s: the same bits after ${nKills} kills at random moments`,
  { timeout: 36_000 * nKills },
  async (name, make) => {
    const whole = path.join(root, name, "whole");
    const cut = path.join(root, name, "cut");
    const undisturbed = runChild("train-child.mjs", [JSON.stringify(make(whole))]);
    expect(undisturbed.status, undisturbed.stderr + undisturbed.stdout).toBe(0);
    const random = randomNumbers(Date.now());
    const moments: string[] = [];
    for (let kills = 0; kills < nKills; ) {
      const ms = (random() + 1) * 120;
      moments.push(ms.toFixed(1));
      if ((await killed(make(cut), ms)) === "SIGKILL") kills++;
      else rmSync(cut, { recursive: true }); // it was done before the kill: start again
      expect(moments.length).toBeLessThan(6 * nKills);
    }
    const last = runChild("train-child.mjs", [JSON.stringify(make(cut))]);
    expect(last.status, last.stderr + last.stdout).toBe(0);
    expect(readdirSync(cut)).toHaveLength(make(cut).length);
    expect(outcome(cut), moments.join(", ")).toEqual(outcome(whole));
    // Once more does nothing.
    const again = runChild("train-child.mjs", [JSON.stringify(make(cut))]);
    expect(again.lines.map(({ from }) => from).filter(Boolean)).toEqual(make(cut).map(() => "done"));
  },
);
