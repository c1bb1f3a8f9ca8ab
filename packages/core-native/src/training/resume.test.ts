import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseTrain } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSyntheticShards } from "../shards/testing/synthetic-shards.js";
import { CheckpointRequests } from "./checkpoint-schedule.js";
import { readRunRecord } from "./run-record.js";
import { statesOf } from "./run-states.js";
import { trainSaes } from "./train-saes.js";

const dVit = 16;
let root: string;
const shards: string[] = [];

/** Two recordings of the same shape. */
beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-resume-"));
  for (const seed of [0, 1]) {
    const dir = await writeSyntheticShards(path.join(root, `shards${seed}`), {
      ...{ images: 40, patches: 16, layers: [-2, -1], dVit, seed },
      values: (i) => Math.sin((i + 1) * (1.7 + seed)),
    });
    shards.push(dir);
  }
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (name: string, more: object = {}, sae: object = {}, data: object = {}) =>
  parseTrain({
    data: { shard_root: shards[0], layer: -1, n_random_samples: 100, ...data },
    n_workers: 1,
    n_patches: 6000,
    sae: { kind: "relu", d_vit: dVit, exp_factor: 2, n_reinit_samples: 100, ...sae },
    sae_batch_size: 64,
    log_every: 10,
    checkpoint_every: 20,
    ckpt_path: path.join(root, name),
    device: "cpu",
    ...more,
  });

const sae = (dir: string) => readFileSync(path.join(dir, "sae.pt"));

test("the last checkpoints are kept, the finished run is left alone", async () => {
  const [run] = await trainSaes([config("keep", { checkpoint_keep: 3 })]);
  const steps = statesOf(run!.dir).map(({ step }) => step);
  expect(steps).toEqual([80, 100, run!.steps]);
  const [again] = await trainSaes([config("keep", { checkpoint_keep: 3 })], { existing: "continue" });
  expect(again).toMatchObject({ dir: run!.dir, doneBefore: true, steps: run!.steps });
  expect(again!.evaluation!.mse).toBe(run!.evaluation!.mse);
  const [other] = await trainSaes([config("keep")]);
  expect(other!.dir).not.toBe(run!.dir);
});

test("a finished run is extended as if it had been longer from the start", async () => {
  const [short] = await trainSaes([config("extended")]);
  const more = config("extended", { n_patches: 12_000 });
  const [extended] = await trainSaes([more], { resume: [short!.dir] });
  const [long] = await trainSaes([config("long", { n_patches: 12_000 })]);
  expect(extended).toMatchObject({ dir: short!.dir, resumedAt: short!.steps, steps: long!.steps });
  expect(sae(extended!.dir).equals(sae(long!.dir))).toBe(true);
  const { history } = readRunRecord(short!.dir);
  expect(history.map(({ event }) => event)).toEqual(["started", "finished", "went on", "finished"]);
  expect(history[2]!.changes).toEqual({ n_patches: [6000, 12_000] });
});

test("another learning rate is allowed and written down; what cannot work is refused with its reason", async () => {
  const [run] = await trainSaes([config("changed")]);
  const goOn = (cfg: ReturnType<typeof config>) => trainSaes([cfg], { resume: [run!.dir] });
  const before = sae(run!.dir);
  for (const [cfg, reason] of [
    [config("changed", {}, { exp_factor: 4 }), /sae\.exp_factor was 2 and cannot become 4: .*another size/],
    [config("changed", {}, { kind: "top-k", top_k: 4 }), /sae\.kind was "relu".*another kind/],
    [config("changed", {}, {}, { layer: -2 }), /data\.layer was -1.*another layer/],
    [config("changed", { seed: 9 }), /seed was 42.*order/],
    [config("changed", { optimizer: "muon" }), /optimizer was "adam" and cannot become "muon": .*moments/],
    [
      config("changed", { n_patches: 3000 }),
      /n_patches was 6000 and cannot become 3000: it has made \d+ steps/,
    ],
    [
      config("changed", { n_patches: 12_000 }, {}, { shard_root: shards[1] }),
      /are not those that this run was trained on/,
    ],
  ] as const) {
    await expect(goOn(cfg)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(reason),
    });
  }
  expect(sae(run!.dir).equals(before)).toBe(true);
  await goOn(config("changed", { lr: 1e-5, n_patches: 9000 }));
  expect(readRunRecord(run!.dir).history.at(-2)!.changes).toMatchObject({ lr: [4e-4, 1e-5] });
});

test("a damaged checkpoint is passed over for the one before it", async () => {
  const whole = await trainSaes([config("whole", { n_patches: 12_000 })]);
  const [run] = await trainSaes([config("damaged")]);
  const [before, last] = statesOf(run!.dir).slice(-2);
  const bytes = readFileSync(last!.path);
  bytes[bytes.length - 5]! ^= 1;
  writeFileSync(last!.path, bytes);
  const said: string[] = [];
  const [on] = await trainSaes([config("damaged", { n_patches: 12_000 })], {
    resume: [run!.dir],
    warn: (message) => said.push(message),
  });
  expect(said.join("\n")).toContain(`going on from step ${before!.step}`);
  expect(on!.resumedAt).toBe(before!.step);
  expect(sae(on!.dir).equals(sae(whole[0]!.dir))).toBe(true);
});

test("a new run starts from any checkpoint: a run, its sae.pt, one of its states", async () => {
  const [run] = await trainSaes([config("teacher", { n_patches: 12_000 })]);
  const states = statesOf(run!.dir);
  for (const [i, from] of [run!.dir, path.join(run!.dir, "sae.pt"), states.at(-1)!.path].entries()) {
    const [tuned] = await trainSaes([config(`tuned${i}`, { init_from: from, n_patches: 64, lr: 1e-9 })]);
    expect(tuned!.evaluation!.mse).toBeCloseTo(run!.evaluation!.mse, 5);
  }
  await expect(trainSaes([config("wrong", { init_from: run!.dir }, { exp_factor: 4 })])).rejects.toThrow(
    /has d_sae 32, this run asks for 64/,
  );
  await expect(trainSaes([config("wrong", { init_from: path.join(root, "nothing") })])).rejects.toThrow(
    /found nothing at/,
  );
  expect(readdirSync(path.join(root, "wrong"))).toEqual([]);
});

test("checkpoints come by the clock", async () => {
  const clock = { checkpoint_every: 0, checkpoint_minutes: 1e-4, checkpoint_keep: 99, n_patches: 30_000 };
  const [run] = await trainSaes([config("clock", clock)], { evaluate: false });
  const [first, ...more] = statesOf(run!.dir).map(({ step }) => step);
  expect(first).toBeLessThan(run!.steps);
  expect(more.at(-1)).toBe(run!.steps);
  expect(run!.times!.checkpointsWritten).toBe(1 + more.length);
});

test("a request writes a checkpoint and training goes on", async () => {
  const requests = new CheckpointRequests();
  const seen: number[] = [];
  const cfg = config("asked", {
    checkpoint_every: 0,
    checkpoint_minutes: 0,
    checkpoint_keep: 9,
    n_patches: 20_000,
  });
  const [run] = await trainSaes([cfg], {
    checkpointRequests: requests,
    onLog: ({ step }) => {
      seen.push(step);
      if (step === 100) requests.request();
    },
  });
  const [asked, end, ...others] = statesOf(run!.dir).map(({ step }) => step);
  expect(asked).toBeGreaterThanOrEqual(100);
  expect([end, others]).toEqual([run!.steps, []]);
  expect(seen.at(-1)).toBeGreaterThan(asked!);
});
