/** An SAE sees activations scaled as in its training, wherever it is used and whatever the data: its checkpoint says how. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Evaluate, Inference, parseTrain, splitPasses } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluate } from "../evaluation/evaluate.js";
import { evaluateSae } from "../evaluation/evaluate-sae.js";
import { readTensor } from "../io/tensor-file.js";
import { writeLatents } from "../latents/write-latents.js";
import { ActivationLoader } from "../loading/activation-loader.js";
import { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { scattered, writeSyntheticShards } from "../shards/testing/synthetic-shards.js";
import { Tensor } from "../tensor.js";
import { statesOf } from "./run-states.js";
import { type TrainedSae, trainSaes } from "./train-saes.js";

// Tiny models gain nothing from several threads, which only wait for each other where others compute too.
process.env.OMP_NUM_THREADS = "1";

const dVit = 8;
let root: string;
let shards: string;
/** Activations of another mean and size. */
let others: string;
let run: TrainedSae;

async function record(name: string, shift: number): Promise<string> {
  return writeSyntheticShards(path.join(root, name), {
    ...{ images: 30, patches: 4, dVit, seed: shift },
    values: (i) => (1 + shift) * scattered(i) + shift,
  });
}

const clamp = 0.9;
const config = (name: string, more: object = {}, data: object = {}) =>
  parseTrain({
    data: { shard_root: shards, layer: -1, clamp, ...data },
    n_workers: 1,
    n_patches: 1500,
    sae: { exp_factor: 4, n_reinit_samples: 50 },
    sae_batch_size: 32,
    n_lr_warmup: 0,
    checkpoint_every: 10,
    ckpt_path: path.join(root, name),
    device: "cpu",
    ...more,
  });

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-trained-scaling-"));
  [shards, others] = [await record("shards", 0), await record("others", 3)];
  run = (await trainSaes([config("run")]))[0]!;
});
afterAll(() => rmSync(root, { recursive: true }));

const ckptOf = ({ dir }: TrainedSae) => path.join(dir, "sae.pt");
const scalingOf = async (at: TrainedSae) => {
  using sae = await SparseAutoencoder.load(ckptOf(at));
  return sae.scaling!;
};
const refused = (field: string) => ({
  code: "INVALID_ARGUMENT",
  message: expect.stringMatching(
    new RegExp(
      `^data\\.${field} = .* is not how the activations of .* were scaled in training, .*leave data\\.${field} out$`,
    ),
  ),
});

test("evaluate and latents scale other data as the training did; another wish is refused", async () => {
  const scaling = await scalingOf(run);
  expect(scaling.clamp).toBe(clamp);
  const common = {
    ckpt: ckptOf(run),
    ...{ n_workers: 1, device: "cpu", dump_to: path.join(root, "out") },
  };
  const data = { shard_root: others, layer: -1 };
  using actMean = Tensor.from(scaling.actMean);
  using source = await ActivationLoader.open(
    { ...config("x").data, ...data },
    { order: "ordered", scaling: { actMean, scalar: scaling.scalar } },
  );
  using sae = await SparseAutoencoder.load(ckptOf(run));
  const expected = await evaluate(sae, source);
  const measured = await evaluateSae(Evaluate.parse({ ...common, data, probes: false, n_images: 0 }));
  expect(measured.figures.mse).toBe(expected.mse);
  expect(measured.figures.l0).toBe(expected.l0);
  const { dir } = await writeLatents(Inference.parse({ ...common, data }));
  using means = await readTensor(path.join(dir, "mean_values.pt"));
  const plain = expected.meanValues.toFloat32Array().map((v) => (Number.isNaN(v) ? 0 : v));
  expect(means.toFloat32Array().map((v) => (Number.isNaN(v) ? 0 : v))).toEqual(plain);
  // The same words as in training are no other wish, and a file is looked into.
  for (const [more, field] of [
    [{ clamp }, ""],
    [{ clamp: 2 }, "clamp"],
    [{ scale_mean: false }, "scale_mean"],
    [{ scale_norm: false }, "scale_norm"],
  ] as const) {
    const cfg = { ...common, data: { ...data, ...more } };
    for (const work of [
      () => evaluateSae(Evaluate.parse({ ...cfg, probes: false, n_images: 0 })),
      () => writeLatents(Inference.parse({ ...cfg, dump_to: path.join(root, `out-${field}`) })),
    ])
      if (field === "") await work();
      else await expect(work()).rejects.toMatchObject(refused(field));
  }
});

test("a run that starts from a checkpoint or a state keeps its scaling, also where it goes on", async () => {
  const scaling = await scalingOf(run);
  const on = (name: string, init_from: string, more: object = {}) =>
    config(name, { init_from, lr: 1e-4, ...more }, { shard_root: others, clamp: 1e5 });
  const [whole] = await trainSaes([on("whole", ckptOf(run))]);
  const [ofState] = await trainSaes([on("state", statesOf(run.dir).at(-1)!.path)]);
  expect(await scalingOf(whole!)).toEqual(scaling);
  expect(await scalingOf(ofState!)).toEqual(scaling);
  // Stopped, and the checkpoint that it began with is gone.
  const copy = path.join(root, "copy.pt");
  using sae = await SparseAutoencoder.load(ckptOf(run));
  await sae.save(copy);
  const controller = new AbortController();
  const options = { signal: controller.signal, warn: () => {} };
  const stop = new Error("stop");
  const log_every = 5;
  const stopped = trainSaes([on("stopped", copy, { log_every })], {
    ...options,
    onLog: ({ step }) => step >= 15 && controller.abort(stop),
  });
  await expect(stopped).rejects.toBe(stop);
  rmSync(copy);
  const [ended] = await trainSaes([on("stopped", copy, { log_every })], { existing: "continue" });
  expect(ended!.resumedAt).toBeGreaterThanOrEqual(15);
  expect(readFileSync(ckptOf(ended!)).equals(readFileSync(ckptOf(whole!)))).toBe(true);
  const wish = config("wish", { init_from: run.dir }, { shard_root: others, scale_norm: false });
  await expect(trainSaes([wish])).rejects.toMatchObject(refused("scale_norm"));
  // What starts from others' weights has its own pass.
  expect(splitPasses([config("a"), on("b", run.dir), config("c"), on("d", run.dir)]).length).toBe(2);
});

test("without a scaling in the header the config decides", async () => {
  const bare = path.join(root, "bare.pt");
  using sae = await SparseAutoencoder.load(ckptOf(run));
  sae.scaling = undefined;
  await sae.save(bare);
  const [tuned] = await trainSaes([
    config("tuned", { init_from: bare }, { shard_root: others, scale_norm: false, clamp: 7 }),
  ]);
  using source = await ActivationLoader.open({ ...config("x").data, shard_root: others, clamp: 7 });
  expect(await scalingOf(tuned!)).toEqual({ actMean: source.actMean.toFloat32Array(), scalar: 1, clamp: 7 });
});
