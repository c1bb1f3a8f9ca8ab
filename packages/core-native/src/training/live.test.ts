import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseActivations, parseTrain } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordActivations } from "../activations/record.js";
import { scratchFolder, writeDataset } from "../activations/testing/dataset.js";
import { openDataset } from "../images/image-dataset.js";
import { tinyClip, tinyWeights, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { readHeldOut } from "./held-out.js";
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

test("with images set aside too, which do not go through the ViT until they are evaluated on", async () => {
  const aside = { val_fraction: 0.25, eval_every: 30, n_val: 9 };
  const [sharded] = await trainSaes([config("aside-sharded", { shard_root }, aside)]);
  const [run] = await trainSaes([config("aside", live(), aside)]);
  expect(bytes(run!.dir, "sae.pt").equals(bytes(sharded!.dir, "sae.pt"))).toBe(true);
  expect(metrics(run!.dir)).toEqual(metrics(sharded!.dir));
  // Nine rows are two whole images; all five that were set aside are evaluated on at the end.
  const [validated] = metrics(run!.dir).flatMap((line) =>
    line.includes("val_mse") ? [JSON.parse(line)] : [],
  );
  expect(validated).toMatchObject({ step: 30, val_n_rows: 2 * 4 });
  expect(JSON.parse(bytes(run!.dir, "evaluation.json").toString()).n_rows).toBe(5 * 4);
  expect(bytes(run!.dir, "evaluation.json")).toEqual(bytes(sharded!.dir, "evaluation.json"));
  // In blocks: the pictures that are set aside may be no pictures.
  const images = path.join(root, "spoilt");
  cpSync(path.join(root, "images"), images, { recursive: true });
  const dataset = await openDataset(
    parseTrain({ images: { kind: "image-folder-dataset", root: images } }).images,
  );
  for (const i of readHeldOut(run!.dir)!.images) writeFileSync(dataset.where(i), "no picture");
  const spoilt = { ...aside, images: { kind: "image-folder-dataset", root: images }, buffer: 40 };
  const [whole] = await trainSaes([config("aside-whole", live(), { ...aside, buffer: 40, eval_every: 0 })], {
    evaluate: false,
  });
  const [blocks] = await trainSaes([config("aside-spoilt", live(), { ...spoilt, eval_every: 0 })], {
    evaluate: false,
  });
  expect(bytes(blocks!.dir, "sae.pt").equals(bytes(whole!.dir, "sae.pt"))).toBe(true);
  await expect(
    trainSaes([config("aside-read", live(), { ...spoilt, val_seed: 1 })], { warn: () => {} }),
  ).rejects.toThrow();
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

test.each([
  ["all", {}],
  ["aside", { val_fraction: 0.25, eval_every: 25, n_val: 8 }],
])("a live run in blocks that was stopped goes on to the same bits: %s", async (name, more) => {
  const buffer = { buffer: 40, ...more }; // blocks of five images
  const [whole] = await trainSaes([config(`whole-${name}`, live(), buffer)]);
  const cfg = config(`stopped-${name}`, live(), buffer);
  const dir = await stopped(cfg, 70);
  const [on] = await trainSaes([cfg], { existing: "continue" });
  expect(on).toMatchObject({ dir, resumedAt: expect.any(Number), steps: whole!.steps });
  expect(on!.resumedAt).toBeGreaterThanOrEqual(70);
  expect(bytes(dir, "sae.pt").equals(bytes(whole!.dir, "sae.pt"))).toBe(true);
  expect(metrics(dir)).toEqual(metrics(whole!.dir));
  // Twenty images do not fit: five are evaluated on, as many as are set aside.
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
