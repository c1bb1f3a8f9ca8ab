/** Images that are set aside: never trained on, evaluated on while training, without a trace in what is trained. */
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseTrain } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BatchSource } from "../loading/batch-source.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { scattered, writeSyntheticShards } from "../shards/testing/synthetic-shards.js";
import { readHeldOut } from "./held-out.js";
import { resolveTrain } from "./resolve.js";
import { type TrainedSae, type TrainSaesOptions, trainSaes } from "./train-saes.js";
import { openTrainingData } from "./training-data.js";

// Tiny models gain nothing from several threads, which only wait for each other where others compute too.
process.env.OMP_NUM_THREADS = "1";

const dVit = 8;
const nImgs = 40;
const nPatches = 4;
let root: string;
let shards: string;
let others: string;

/** Rows whose first number is that of their image, the others of no order; `seed` tells recordings apart. */
async function record(name: string, seed: number, width = dVit): Promise<string> {
  return writeSyntheticShards(path.join(root, name), {
    ...{ images: nImgs, patches: nPatches, dVit: width, seed, perShard: 60 },
    values: (i) => (i % width === 0 ? Math.floor(i / width / nPatches) : scattered(i + seed)),
  });
}

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-validation-"));
  shards = await record("shards", 0);
  others = await record("others", 1);
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (name: string, more: object = {}, data: object = {}, sae: object = {}) =>
  parseTrain({
    data: { shard_root: shards, layer: -1, n_random_samples: 100, ...data },
    val_fraction: 0.2,
    eval_every: 7,
    n_workers: 1,
    n_patches: 1500,
    sae: { exp_factor: 8, n_reinit_samples: 50, ...sae },
    sae_batch_size: 32,
    lr: 1e-3,
    n_lr_warmup: 0,
    log_every: 5,
    checkpoint_every: 9,
    ckpt_path: path.join(root, name),
    device: "cpu",
    ...more,
  });
const sweep = (name: string, more: object = {}) => [
  config(name, more),
  config(
    name,
    { ...more, objective: { kind: "matryoshka", n_prefixes: 3 } },
    {},
    { kind: "batch-top-k", top_k: 3 },
  ),
];

const bytes = ({ dir }: TrainedSae, file: string) => readFileSync(path.join(dir, file)).toString("base64");
const lines = ({ dir }: TrainedSae) =>
  readFileSync(path.join(dir, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line) as Record<string, number>);
const validated = (run: TrainedSae) => lines(run).filter((line) => "val_mse" in line);

/** The images of the rows of an epoch, by what is in the rows and by what the batches say. */
async function imagesOf(source: BatchSource): Promise<number[]> {
  const found: number[] = [];
  for await (const batch of source.batches(7)) {
    using _ = batch;
    const values = batch.acts.toFloat32Array();
    const images = batch.imageI.toTypedArray() as BigInt64Array;
    for (const [i, image] of images.entries()) {
      expect(values[i * dVit]).toBe(Number(image));
      found.push(Number(image));
    }
  }
  return found.sort((a, b) => a - b);
}
const rowsOf = (images: Iterable<number>) =>
  [...images].flatMap((image) => Array<number>(nPatches).fill(image));
const all = Array.from({ length: nImgs }, (_, i) => i);

test.each([[{}], [{ buffer: 24 }]])("rows of images that are set aside are in no epoch: %o", async (more) => {
  const plain = { scale_mean: false, scale_norm: false };
  const cfg = await resolveTrain(config("unused", { n_val: 10, ...more }, plain));
  using data = await openTrainingData(cfg, { seed: 1, nWorkers: 1, fresh: true });
  const { images } = data.heldOut!;
  expect(data.heldOut).toEqual({ images, fraction: 0.2, seed: 42, of: nImgs });
  expect([...new Set(images)]).toHaveLength(8);
  const rest = all.filter((image) => !images.includes(image));
  for (let epoch = 0; epoch < 2; epoch++) expect(await imagesOf(data.source)).toEqual(rowsOf(rest));
  using end = await data.evaluation();
  expect(await imagesOf(end)).toEqual(rowsOf(images));
  // Ten rows are two whole images.
  using validation = await data.validation();
  const some = [...new Set(await imagesOf(validation!))];
  expect(some).toHaveLength(2);
  expect(images).toEqual(expect.arrayContaining(some));
  // Another seed sets others aside, the same one the same.
  for (const [val_seed, same] of [
    [42, true],
    [7, false],
  ] as const) {
    using again = await openTrainingData({ ...cfg, val_seed }, { seed: 2, nWorkers: 1, fresh: true });
    expect(again.heldOut!.images.join() === images.join()).toBe(same);
  }
});

test.each([[{}], [{ buffer: 24 }]])(
  "what is set aside may hold anything: training does not read it: %o",
  async (more) => {
    const quiet = { evaluate: false, warn: () => {} };
    const [whole] = await trainSaes([config("whole", { eval_every: 0, ...more })], quiet);
    const { images } = readHeldOut(whole!.dir)!;
    const poisoned = path.join(root, `poisoned${"buffer" in more}`);
    cpSync(shards, poisoned, { recursive: true });
    const folder = await ShardFolder.open(poisoned);
    for (const image of images) {
      const shard = String(Math.floor(image / folder.imagesPerShard)).padStart(6, "0");
      const file = openSync(path.join(poisoned, `acts${shard}.bin`), "r+");
      const nan = new Float32Array(nPatches * dVit).fill(Number.NaN);
      writeSync(
        file,
        new Uint8Array(nan.buffer),
        0,
        nan.byteLength,
        (image % folder.imagesPerShard) * nan.byteLength,
      );
      closeSync(file);
    }
    const train = (changed: object) =>
      trainSaes(
        [config("poisoned", { eval_every: 0, ...more, ...changed }, { shard_root: poisoned })],
        quiet,
      );
    const [run] = await train({});
    expect(bytes(run!, "sae.pt")).toBe(bytes(whole!, "sae.pt"));
    // With others set aside it is read.
    await expect(train({ val_seed: 7 })).rejects.toMatchObject({ code: "NUMERIC" });
  },
);

test("evaluations leave no trace in what is trained, in a sweep on one pass", async () => {
  const seen: string[] = [];
  const runs = await trainSaes(sweep("with"), {
    onValidation: ({ sae, step }) => seen.push(`${sae} ${step}`),
  });
  const without = await trainSaes(sweep("without", { eval_every: 0 }));
  const { steps } = runs[0]!;
  const due = Array.from({ length: Math.floor((steps - 1) / 7) }, (_, i) => 7 * (i + 1));
  expect(seen).toEqual(due.flatMap((step) => [`0 ${step}`, `1 ${step}`]));
  for (const [i, run] of runs.entries()) {
    expect(bytes(run, "sae.pt")).toBe(bytes(without[i]!, "sae.pt"));
    expect(bytes(run, "evaluation.json")).toBe(bytes(without[i]!, "evaluation.json"));
    expect(lines(run).filter((line) => "loss" in line)).toEqual(lines(without[i]!));
    expect(validated(run).map(({ step }) => step)).toEqual(due);
    expect(run.times!.evaluationsMade).toBe(due.length);
    expect(run.times!.waiting).toBeGreaterThan(0);
    expect(run.times!.waiting + run.times!.evaluations).toBeLessThan(run.times!.training);
    expect(run.evaluation!.nRows).toBe(8 * nPatches);
    const errors = validated(run).map((line) => line.val_mse!);
    expect(errors.at(-1)).toBeLessThan(errors[0]! / 1.2);
  }
});

test("an evaluation while training has the figures of the one at the end, about other activations", async () => {
  // Nothing is learnt, so that all evaluations are of one SAE.
  const still = { normalize_w_dec: false };
  const topK = { ...still, kind: "top-k", top_k: 3 };
  const runs = await trainSaes([
    config("still", { lr: 0 }, {}, still),
    config("still", { lr: 0, objective: { kind: "matryoshka", n_prefixes: 3 } }, {}, topK),
  ]);
  for (const [i, run] of runs.entries()) {
    const end = JSON.parse(readFileSync(path.join(run.dir, "evaluation.json"), "utf8")) as Record<
      string,
      number
    >;
    expect(Object.keys(end)).toEqual(
      expect.arrayContaining([
        ...["n_rows", "l0", "l1", "mse", "explained_variance", "normalized_mse", "cosine", "l2_ratio"],
        ...["n_dead", "n_almost_dead", "n_dense", "n_over_1_percent", "n_over_10_percent"],
        ...["max_encoder_cosine", "max_decoder_cosine", "coherence"],
      ]),
    );
    expect(end.prefixes).toEqual(
      i === 0
        ? undefined
        : [1, 2, 4, 8, 16, 32, 64].map((length) =>
            expect.objectContaining({
              length,
              mse: expect.any(Number),
              explained_variance: expect.any(Number),
            }),
          ),
    );
    const named = Object.fromEntries(Object.entries(end).map(([name, value]) => [`val_${name}`, value]));
    const [line, ...more] = validated(run);
    expect(line).toEqual({ step: 7, ...named });
    for (const other of more) expect(other).toEqual({ ...line, step: other.step });
  }
});

test("a sweep that was stopped, also at and in an evaluation, ends with the same bits and lines", async () => {
  const whole = await trainSaes(sweep("undisturbed"));
  const stopped = async (until: (controller: AbortController) => TrainSaesOptions) => {
    const controller = new AbortController();
    const options = { ...until(controller), existing: "continue", signal: controller.signal } as const;
    await expect(trainSaes(sweep("stopped"), { ...options, warn: () => {} })).rejects.toThrow("stop");
  };
  const stop = new Error("stop");
  await stopped((c) => ({ onLog: ({ step }) => step >= 5 && c.abort(stop) }));
  await stopped((c) => ({ onValidation: ({ step, sae }) => step === 14 && sae === 0 && c.abort(stop) }));
  await stopped((c) => ({ onValidation: ({ step, sae }) => step === 21 && sae === 1 && c.abort(stop) }));
  await stopped((c) => ({ onLog: ({ step }) => step >= 35 && c.abort(stop) }));
  const runs = await trainSaes(sweep("stopped"), { existing: "continue" });
  for (const [i, run] of runs.entries()) {
    expect(bytes(run, "sae.pt")).toBe(bytes(whole[i]!, "sae.pt"));
    expect(bytes(run, "evaluation.json")).toBe(bytes(whole[i]!, "evaluation.json"));
    expect(lines(run)).toEqual(lines(whole[i]!));
    expect(bytes(run, "held-out.json")).toBe(bytes(whole[i]!, "held-out.json"));
  }
});

test("others set aside are refused for a run that has begun; when it is evaluated may change", async () => {
  const [run] = await trainSaes([config("changed")], { evaluate: false });
  const goOn = (more: object) =>
    trainSaes([config("changed", { n_patches: 2500, ...more })], { resume: [run!.dir], evaluate: false });
  for (const [more, reason] of [
    [{ val_fraction: 0.3 }, /val_fraction was 0\.2 and cannot become 0\.3: .*set aside/],
    [{ val_seed: 1 }, /val_seed was 42 and cannot become 1: .*set aside/],
  ] as const)
    await expect(goOn(more)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(reason),
    });
  await goOn({ eval_every: 11, n_val: 8 });
  const steps = validated(run!).map(({ step, val_n_rows }) => [step, val_n_rows]);
  expect(steps.slice(0, 2)).toEqual([
    [7, 32],
    [14, 32],
  ]);
  expect(steps.at(-1)).toEqual([expect.toSatisfy((step: number) => step % 11 === 0), 8]);
  await expect(trainSaes([config("tiny", { val_fraction: 0.001 })])).resolves.toMatchObject([
    { evaluation: { nRows: nPatches } },
  ]);
});

test("activations of their own to evaluate on, scaled as those that are trained on", async () => {
  const apart = (name: string, shard_root: string, more: object = {}) =>
    config(name, { val_fraction: 0, val_data: { shard_root }, ...more });
  const [run] = await trainSaes([apart("apart", others)]);
  expect(readdirSync(run!.dir)).not.toContain("held-out.json");
  expect(run!.evaluation!.nRows).toBe(nImgs * nPatches);
  const [without] = await trainSaes([config("alone", { val_fraction: 0, eval_every: 1000 })]);
  expect(bytes(run!, "sae.pt")).toBe(bytes(without!, "sae.pt"));
  expect(validated(run!).at(-1)!.val_explained_variance).toBeGreaterThan(0.5);
  expect(validated(run!).at(-1)!.val_mse).not.toBe(lines(without!).at(-1)!.mse);
  await expect(trainSaes([apart("same", shards)])).rejects.toThrow(
    /holds the activations that are trained on/,
  );
  const wide = await record("wide", 0, 2 * dVit);
  await expect(trainSaes([apart("wide", wide)])).rejects.toMatchObject({
    code: "SHAPE_MISMATCH",
    message: expect.stringMatching(/val_data\.shard_root: .*width 8, .*found 16/),
  });
  expect(readdirSync(path.join(root, "same"))).toEqual([]);
});
