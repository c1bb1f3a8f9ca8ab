import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { parseActivations, parseTrain } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordActivations } from "../activations/record.js";
import { scratchFolder, writeDataset } from "../activations/testing/dataset.js";
import { tinyClip, tinyWeights, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { type TrainSaesOptions, trainSaes } from "./train-saes.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

const nImages = 20;

let root: string;
let shard_root: string;
beforeAll(async () => {
  root = scratchFolder("saev-train-live-");
  await writeDataset(path.join(root, "images"), nImages);
  await writeTinyClip(path.join(root, "model"), tinyClip);
  await writeTinyClip(path.join(root, "other"), tinyClip, tinyWeights(tinyClip, 2));
  const { dir } = await recordActivations(
    parseActivations({
      data: { root: path.join(root, "images") },
      dump_to: path.join(root, "shards"),
      ...{ vit_ckpt: path.join(root, "model"), vit_layers: [-2], vit_batch_size: 7, n_workers: 1 },
      device: "cpu",
    }),
  );
  shard_root = dir;
});
afterAll(() => rmSync(root, { recursive: true }));

const live = (more: object = {}) => ({
  live: true,
  vit_ckpt: path.join(root, "model"),
  vit_batch_size: 3,
  ...more,
});
const config = (name: string, data: object, more: object = {}) =>
  parseTrain({
    data: { layer: -2, ...data },
    ...("live" in data && { images: { kind: "image-folder-dataset", root: path.join(root, "images") } }),
    n_workers: 1,
    n_patches: 1500,
    sae: { kind: "top-k", top_k: 3, exp_factor: 2, n_reinit_samples: 40, reinit_blend: 0.8 },
    sae_batch_size: 11,
    lr: 3e-3,
    n_lr_warmup: 5,
    log_every: 10,
    checkpoint_every: 20,
    ckpt_path: path.join(root, name),
    device: "cpu",
    ...more,
  });

const bytes = (dir: string, file: string) => readFileSync(path.join(dir, file));
const metrics = (dir: string) => bytes(dir, "metrics.jsonl").toString().split("\n").slice(1);

test("a live run comes out as the run on shards, to the bit", async () => {
  const both = [config("sweep", live()), config("sweep", live(), { lr: 1e-3 })];
  const [sharded, ...runs] = [
    ...(await trainSaes([config("sharded", { shard_root })])),
    ...(await trainSaes(both)),
  ];
  expect(bytes(runs[0]!.dir, "sae.pt").equals(bytes(sharded!.dir, "sae.pt"))).toBe(true);
  expect(bytes(runs[1]!.dir, "sae.pt").equals(bytes(sharded!.dir, "sae.pt"))).toBe(false);
  expect(metrics(runs[0]!.dir)).toEqual(metrics(sharded!.dir));
  expect(bytes(runs[0]!.dir, "evaluation.json")).toEqual(bytes(sharded!.dir, "evaluation.json"));
});

/** Trains until an entry of the metrics at `step`, then stops as by Ctrl-C. */
async function stopped(cfg: ReturnType<typeof config>, step: number): Promise<string> {
  const abort = new AbortController();
  const options: TrainSaesOptions = {
    signal: abort.signal,
    warn: () => {},
    onLog: (entry) => entry.step >= step && abort.abort(new Error("stopped")),
  };
  await expect(trainSaes([cfg], options)).rejects.toThrow("stopped");
  const [id] = readdirSync(cfg.ckpt_path);
  return path.join(cfg.ckpt_path, id!);
}

test("a live run in blocks that was stopped goes on to the same bits", async () => {
  const buffer = { buffer: 40 }; // two blocks of five images
  const [whole] = await trainSaes([config("whole", live(), buffer)]);
  const dir = await stopped(config("stopped", live(), buffer), 70);
  const [on] = await trainSaes([config("stopped", live(), buffer)], { existing: "continue" });
  expect(on).toMatchObject({ dir, resumedAt: expect.any(Number), steps: whole!.steps });
  expect(on!.resumedAt).toBeGreaterThanOrEqual(70);
  expect(bytes(dir, "sae.pt").equals(bytes(whole!.dir, "sae.pt"))).toBe(true);
  expect(metrics(dir)).toEqual(metrics(whole!.dir));
  // Twenty images do not fit: five are evaluated on.
  expect(JSON.parse(bytes(dir, "evaluation.json").toString()).n_rows).toBe(5 * 4);
});

test("other images, another model, buffer or kind of data are refused, the run is left as it was", async () => {
  const dir = await stopped(config("changed", live(), { buffer: 40 }), 30);
  const before = bytes(dir, "sae.pt");
  const goOn = (data: object, more: object) =>
    trainSaes([config("changed", data, { buffer: 40, ...more })], { resume: [dir] });
  for (const [data, more, reason] of [
    [live({ vit_ckpt: path.join(root, "other") }), {}, /through .*other are not those that this run/],
    [live({ vit_layers: [-2, -1] }), {}, /are not those that this run/],
    [live(), { buffer: 48 }, /buffer was 40.*order/],
    [{ shard_root }, { buffer: 0 }, /data\.live was true/],
  ] as const) {
    await expect(goOn(data, more)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(reason),
    });
  }
  expect(bytes(dir, "sae.pt").equals(before)).toBe(true);
});
