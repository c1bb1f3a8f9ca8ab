/** A sweep of several groups of which one fails: the others are trained to the end, and the failure is told. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  scattered,
  writeSyntheticShards,
} from "../../packages/core-native/src/shards/testing/synthetic-shards.js";
import { compile } from "../e2e/saev.js";
import { runChild } from "./child.js";

process.env.OMP_NUM_THREADS = "1";
const dVit = 24;
let root: string;
let good: string;
let damaged: string;

/** Shards of which the last value but two is `spoilt`. */
const shards = (seed: number, spoilt?: number) =>
  writeSyntheticShards(path.join(root, "shards"), {
    ...{ images: 80, patches: 16, dVit, seed },
    values: (i) => (spoilt !== undefined && i === 80 * 16 * dVit - 3 ? spoilt : scattered(i)),
  });

beforeAll(async () => {
  compile();
  root = mkdtempSync(path.join(tmpdir(), "saev-train-groups-"));
  good = await shards(0);
  damaged = await shards(1, Number.NaN);
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (name: string, more: object = {}, sae: object = {}, data: object = {}) => ({
  data: { shard_root: good, layer: -1, n_random_samples: 200, scale_mean: false, scale_norm: false, ...data },
  n_workers: 1,
  n_patches: 6000,
  sae: { kind: "relu", d_vit: dVit, exp_factor: 4, n_reinit_samples: 0, ...sae },
  sae_batch_size: 64,
  log_every: 10,
  checkpoint_every: 5,
  checkpoint_minutes: 0,
  ckpt_path: path.join(root, name),
  device: "cpu",
  ...more,
});

const records = (name: string) =>
  readdirSync(path.join(root, name)).map((run) => {
    const { status, steps } = JSON.parse(readFileSync(path.join(root, name, run, "run.json"), "utf8"));
    return { status, steps, files: readdirSync(path.join(root, name, run)) };
  });

test("NaN in the data of one group stops that group with its last checkpoint; the others end", () => {
  const { status, stdout, stderr } = runChild("train-child.mjs", [
    JSON.stringify([
      config("first"),
      config("bad", {}, {}, { shard_root: damaged }),
      config("last", { sae_batch_size: 128 }),
    ]),
  ]);
  expect(status, stdout + stderr).toBe(1);
  expect(stdout).toMatch(/the batch holds NaN or infinite activations: record the shards anew/);
  expect(stderr).toMatch(/the other groups are trained/);
  for (const name of ["first", "last"]) expect(records(name)).toMatchObject([{ status: "finished" }]);
  expect(records("bad")).toMatchObject([{ status: "stopped", files: expect.arrayContaining(["states"]) }]);
});

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

test.skipIf(!hasPrlimit)(
  "memory that the system refuses to one group fails that group alone",
  {
    timeout: 60_000,
  },
  () => {
    const large = { d_sae: 2_000_000, exp_factor: 16 }; // 384 MB of parameters, more than the address space may grow
    const { status, stdout, stderr } = runChild("train-child.mjs", [
      JSON.stringify([
        config("small", { sae_batch_size: 128 }),
        config("large", { checkpoint_keep: 0, checkpoint_every: 0 }, large),
        config("after", { sae_batch_size: 32 }),
      ]),
      String(350e6),
    ]);
    expect(status, stdout + stderr).toBe(1);
    expect(stdout).toMatch(/"name":"SaevError","message":"[^"]*(allocate|memory)/);
    for (const name of ["small", "after"]) expect(records(name)).toMatchObject([{ status: "finished" }]);
    expect(readdirSync(path.join(root, "large"))).toEqual([]);
  },
);
