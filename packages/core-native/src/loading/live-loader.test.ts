import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseActivations, parseTrain, type TrainData } from "@saev/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordActivations } from "../activations/record.js";
import { scratchFolder, writeDataset } from "../activations/testing/dataset.js";
import { ImageFolder } from "../images/image-folder.js";
import { tinyClip, writeTinyClip } from "../vit/testing/tiny-clip.js";
import { ViT } from "../vit/vit.js";
import { ActivationLoader } from "./activation-loader.js";
import type { BatchSource } from "./batch-source.js";
import { imagesPerBlock } from "./blocks.js";
import { type LiveImages, LiveLoader } from "./live-loader.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

const nImages = 13;
const patches = 4;
const layers = [-1, -3];

let root: string;
let shards: string;
let from: LiveImages;
beforeAll(async () => {
  root = scratchFolder("saev-live-");
  await writeDataset(path.join(root, "images"), nImages);
  await writeTinyClip(path.join(root, "model"), tinyClip);
  const { dir } = await recordActivations(
    parseActivations({
      data: { root: path.join(root, "images") },
      dump_to: path.join(root, "shards"),
      ...{ vit_ckpt: path.join(root, "model"), vit_layers: layers, vit_batch_size: 5, n_workers: 1 },
      device: "cpu",
    }),
  );
  shards = dir;
  from = {
    vit: await ViT.load("clip", path.join(root, "model")),
    dataset: await ImageFolder.open(path.join(root, "images")),
  };
});
afterAll(() => {
  from?.vit.dispose();
  rmSync(root, { recursive: true });
});

const config = (data: object): TrainData => parseTrain({ data: { vit_layers: layers, ...data } }).data;

/** All rows of some epochs, batch by batch. */
async function rows(source: BatchSource, epochs = 1, batch = 7) {
  const acts: number[] = [];
  const index: bigint[] = [];
  const patch: bigint[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const b of source.batches(batch)) {
      using _ = b;
      acts.push(...b.acts.toFloat32Array());
      index.push(...(b.index.toTypedArray() as BigInt64Array));
      patch.push(...(b.patchI.toTypedArray() as BigInt64Array));
    }
  }
  return { acts, index, patch };
}

describe.each([-1, -3, "all", "meanpool"] as const)("layer %s", (layer) => {
  test.each(["patches", "cls", "meanpool"] as const)(
    "%s: the rows of shards in the same order, to the bit, scaled by the same sample",
    async (tokens) => {
      const data = config({ layer, patches: tokens, n_random_samples: 29 });
      using sharded = await ActivationLoader.open({ ...data, shard_root: shards }, { seed: 3 });
      using live = await LiveLoader.open(data, from, { seed: 3 });
      expect(live.scalar).toBe(sharded.scalar);
      expect(live.actMean.toFloat32Array()).toEqual(sharded.actMean.toFloat32Array());
      expect(await rows(live, 2)).toEqual(await rows(sharded, 2));
    },
  );
});

test("what does not fit the buffer comes block by block, in the order of shards that are read so", async () => {
  const data = config({ layer: -1, scale_mean: false, scale_norm: false });
  const buffer = 2 * 3 * patches + 1; // two blocks of three images
  using sharded = await ActivationLoader.open(
    { ...data, shard_root: shards },
    { seed: 3, imagesPerBlock: 3 },
  );
  using live = await LiveLoader.open(data, from, { seed: 3, buffer });
  expect(live.imagesPerBlock).toBe(3);
  const seen = await rows(live, 3);
  expect(seen).toEqual(await rows(sharded, 3));
  expect(new Set(seen.index.slice(0, nImages * patches)).size).toBe(nImages * patches);

  // From any place on, also to a loader that has seen nothing.
  live.reset();
  for (let i = 0; i < 9; i++) (await live.next(7))?.[Symbol.dispose]();
  const state = live.state();
  const rest = await rows(live, 2);
  using other = await LiveLoader.open(data, from, { seed: 3, buffer });
  other.restore(state);
  expect(await rows(other, 2)).toEqual(rest);
  expect(() => sharded.restore(state)).toThrow(/loader state/);
});

test("some images, in order, with the scaling of others", async () => {
  const data = config({ layer: -1 });
  const images = [1, 2, 8, 11];
  using all = await LiveLoader.open(data, from);
  using live = await LiveLoader.open(data, from, { order: "ordered", images, scaling: all, nWorkers: 0 });
  const leaveOut = Array.from({ length: nImages }, (_, i) => i).filter((i) => !images.includes(i));
  using sharded = await ActivationLoader.open(
    { ...data, shard_root: shards },
    { order: "ordered", leaveOut, scaling: all },
  );
  expect(live.length).toBe(images.length * patches);
  expect(await rows(live)).toEqual(await rows(sharded));
});

test("a picture that cannot be read is told to whoever waits for its rows", async () => {
  const folder = path.join(root, "damaged");
  await writeDataset(folder, 4);
  writeFileSync(path.join(folder, "b", "0005.png"), "no picture");
  const dataset = await ImageFolder.open(folder);
  const data = config({ layer: -1, scale_mean: false, scale_norm: false });
  using live = await LiveLoader.open(data, { ...from, dataset });
  await expect(rows(live)).rejects.toMatchObject({
    code: expect.stringMatching(/BAD_FILE|UNSUPPORTED/),
    message: expect.stringContaining("0005.png"),
  });
});

test("waiting for the ViT is given up at once", async () => {
  const data = config({ layer: -1, scale_mean: false, scale_norm: false });
  const never = { ...from.dataset, length: nImages, root, image: () => new Promise<never>(() => {}) };
  using live = await LiveLoader.open(data, { ...from, dataset: { ...from.dataset, ...never } });
  const reason = new Error("enough");
  await expect(live.next(3, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const soon = new AbortController();
  setTimeout(() => soon.abort(reason), 30);
  await expect(live.next(3, { signal: soon.signal })).rejects.toBe(reason);
});

test("layers and buffers that cannot be are refused", async () => {
  const open = (data: object, buffer = 0) => LiveLoader.open(config(data), from, { buffer });
  await expect(open({ layer: "all", vit_layers: [] })).rejects.toThrow(/name them with vit_layers/);
  await expect(open({ layer: -2 })).rejects.toThrow(/-2 was not recorded in vit_layers of .* -1, -3/);
  await expect(open({ layer: -9, vit_layers: [] })).rejects.toThrow(/this model has 3/);
  await expect(open({ layer: -1 }, 7)).rejects.toThrow(/7 rows are fewer than two images have, 8/);
});

test("how many images are shuffled together", () => {
  const sizes = { nImages: 100, rowsPerImage: 10, dVit: 250 };
  expect(imagesPerBlock(1000, sizes)).toBe(0);
  expect(imagesPerBlock(0, sizes)).toBe(0);
  expect(imagesPerBlock(999, sizes)).toBe(49);
  expect(imagesPerBlock(20, sizes)).toBe(1);
  expect(() => imagesPerBlock(19, sizes)).toThrow(/19 rows are fewer than two images have, 20/);
  // 1 GB of rows of 1 KB: half of it holds 50,000 images of ten rows.
  expect(imagesPerBlock(0, { ...sizes, nImages: 1_000_000 })).toBe(50_000);
});
