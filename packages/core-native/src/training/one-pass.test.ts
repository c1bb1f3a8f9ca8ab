/** A sweep of mixed sizes, kinds and objectives: one pass over the data, and each run as it is alone. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseTrain } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scattered, writeSyntheticShards } from "../shards/testing/synthetic-shards.js";
import { readRunRecord } from "./run-record.js";
import { type TrainedSae, type TrainProgress, trainSaes } from "./train-saes.js";

// Tiny models gain nothing from several threads, which only wait for each other where others compute too.
process.env.OMP_NUM_THREADS = "1";

const dVit = 16;
let root: string;
let shardRoot: string;

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-one-pass-"));
  shardRoot = await writeSyntheticShards(path.join(root, "shards"), {
    ...{ images: 60, patches: 16, dVit, values: scattered },
  });
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (name: string, sae: object, more: object = {}) =>
  parseTrain({
    data: { shard_root: shardRoot, layer: -1, n_random_samples: 100 },
    n_workers: 1,
    n_patches: 6000,
    sae: { d_vit: dVit, n_reinit_samples: 100, ...sae },
    sae_batch_size: 64,
    checkpoint_every: 30,
    log_every: 10,
    lr: 2e-3,
    n_lr_warmup: 5,
    ckpt_path: path.join(root, name),
    device: "cpu",
    ...more,
  });

const top = { top_k: 3, k_aux: 8, dead_threshold_tokens: 500 };
const matryoshka = { objective: { kind: "matryoshka", n_prefixes: 4, sparsity_coeff: 1e-3 } };

/** One of each sort, of different sizes; `name` is the folder of each. */
const mixed = (name: (i: number) => string) => [
  config(name(0), { kind: "relu", exp_factor: 2 }),
  config(name(1), { kind: "relu", d_sae: 100, seed: 4 }, { ...matryoshka, log_every: 15, tag: "other" }),
  config(name(2), { kind: "top-k", exp_factor: 8, ...top }, { lr: 1e-3 }),
  config(name(3), { kind: "batch-top-k", exp_factor: 4, ...top }, matryoshka),
  config(name(4), { kind: "jump-relu", d_sae: 41, bandwidth: 0.3 }, { grad_clip: 0.1 }),
  config(name(5), { kind: "gated", exp_factor: 3 }, { lr_schedule: "cosine" }),
  config(name(6), { kind: "relu", exp_factor: 4, reinit_blend: 0.5 }, { optimizer: "muon" }),
];

const files = ({ dir }: TrainedSae) => ({
  sae: readFileSync(path.join(dir, "sae.pt")).toString("base64"),
  metrics: readFileSync(path.join(dir, "metrics.jsonl"), "utf8").split("\n").slice(1),
  evaluation: readFileSync(path.join(dir, "evaluation.json"), "utf8"),
});

test("mixed SAEs share one pass, and each has the bits that it has alone", async () => {
  const seen: TrainProgress[] = [];
  const logged = new Map<number, number[]>();
  const together = await trainSaes(
    mixed(() => "together"),
    {
      onProgress: (p) => seen.push(p),
      onLog: ({ sae, step }) => logged.set(sae, [...(logged.get(sae) ?? []), step]),
    },
  );
  expect(new Set(seen.map(({ groups }) => groups))).toEqual(new Set([1]));
  expect(logged.get(0)!.slice(0, 3)).toEqual([10, 20, 30]);
  expect(logged.get(1)!.slice(0, 3)).toEqual([15, 30, 45]);
  for (const [i, cfg] of mixed((i) => `alone${i}`).entries()) {
    const [alone] = await trainSaes([cfg]);
    expect(files(together[i]!), `${i}: ${cfg.sae.kind}`).toEqual(files(alone!));
  }
});

test("a mixed sweep that was stopped goes on together, to the same bits", async () => {
  const whole = await trainSaes(mixed(() => "whole"));
  const controller = new AbortController();
  const stopped = trainSaes(
    mixed((i) => `cut${i % 2}`),
    {
      signal: controller.signal,
      warn: () => {},
      onLog: ({ step }) => step >= 40 && controller.abort(new Error("stop")),
    },
  );
  await expect(stopped).rejects.toThrow("stop");
  const groups = new Set<number>();
  const on = await trainSaes(
    mixed((i) => `cut${i % 2}`),
    {
      existing: "continue",
      onProgress: (p) => groups.add(p.groups),
    },
  );
  expect(groups).toEqual(new Set([1]));
  for (const [i, run] of on.entries()) {
    expect(run.resumedAt).toBeGreaterThan(0);
    expect(files(run)).toEqual(files(whole[i]!));
    expect(readRunRecord(run.dir).history.map(({ event }) => event)).toEqual([
      "started",
      "stopped",
      "went on",
      "finished",
    ]);
  }
});
