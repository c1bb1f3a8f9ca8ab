import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { DataLoad, parseActivations } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ActivationLoader,
  ImageFolder,
  recordActivations,
  recordedTransform,
  ShardFolder,
  ViT,
} from "../index.js";
import { tinyDinov2, tinyTimm, writeTinyDinov2, writeTinySiglip } from "../vit/testing/tiny-timm.js";
import { scratchFolder, writeDataset } from "./testing/dataset.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

const n = 7;
const layers = [-2, -1];

let root: string;
beforeAll(async () => {
  root = scratchFolder("saev-families-");
  await writeDataset(path.join(root, "images"), n);
});
afterAll(() => rmSync(root, { recursive: true }));

const recordWith = (family: string, over: object = {}) =>
  recordActivations(
    parseActivations({
      data: { root: path.join(root, "images") },
      dump_to: path.join(root, "shards"),
      ...{ vit_family: family, vit_ckpt: path.join(root, family), vit_layers: layers, d_vit: tinyTimm.d },
      ...{ vit_batch_size: 3, n_workers: 2, n_patches_per_shard: 3000, device: "cpu" },
      ...over,
    }),
  );

describe.each([
  ["siglip", 4, false, (at: string) => writeTinySiglip(at)],
  ["dinov2", 16, true, (at: string) => writeTinyDinov2(at, { ...tinyDinov2, registers: 2 })],
] as const)("%s", (family, patches, cls, write) => {
  const tokens = patches + Number(cls);
  let dir = "";
  let expected: Float32Array; // [n, layers, tokens, d]

  beforeAll(async () => {
    await write(path.join(root, family));
    using vit = await ViT.load(family, path.join(root, family));
    const { images } = await ImageFolder.open(path.join(root, "images"));
    using input = await vit.preprocess(images.map((image) => image.path));
    using acts = await vit.record(input, layers);
    expect(acts.shape).toEqual([n, 2, tokens, tinyTimm.d]);
    expected = acts.toFloat32Array();
  });

  it("names the right fields, cls_token among them", async () => {
    await expect(recordWith(family, { n_patches_per_img: 3, cls_token: !cls, d_vit: 8 })).rejects.toThrow(
      `d_vit is 12, not 8; n_patches_per_img is ${patches}, not 3; cls_token is ${cls}, not ${!cls}`,
    );
  });

  it("records what the model computes", async () => {
    ({ dir } = await recordWith(family, { n_patches_per_img: patches, cls_token: cls }));
    using vit = await ViT.load(family, path.join(root, family));
    expect(await recordedTransform(await ShardFolder.open(dir))).toEqual({
      transform: vit.transform,
      from: "recording",
    });
    const bytes = readFileSync(path.join(dir, "acts000000.bin"));
    const found = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const worst = Math.max(...expected.map((v, i) => Math.abs(v - found[i]!)));
    expect(worst).toBeLessThan(2e-5);
  });

  it("is read as what it is", async () => {
    for (const layer of [-2, -1, "meanpool", "all"] as const) {
      for (const pooled of [false, true]) {
        const config = DataLoad.parse({
          ...{ shard_root: dir, layer, patches: pooled ? "meanpool" : "patches" },
          ...{ scale_mean: false, scale_norm: false },
        });
        using loader = await ActivationLoader.open(config, { order: "ordered", nWorkers: 0 });
        const groups = layer === "all" ? 2 : 1;
        expect(loader.length).toBe(n * groups * (pooled ? 1 : patches));
        let row = 0;
        for await (const batch of loader.batches(5)) {
          using rows = batch;
          const acts = rows.acts.toFloat32Array();
          for (let at = 0; at < acts.length; at += tinyTimm.d, row++) {
            const unit = pooled ? row : Math.floor(row / patches);
            const image = Math.floor(unit / groups);
            const from = layer === "meanpool" ? [0, 1] : [layer === "all" ? unit % 2 : layer + 2];
            const of = pooled ? Array.from({ length: patches }, (_, p) => p) : [row % patches];
            for (let c = 0; c < tinyTimm.d; c++) {
              const all = from.flatMap((l) =>
                of.map((p) => expected[((image * 2 + l) * tokens + Number(cls) + p) * tinyTimm.d + c]!),
              );
              expect(Math.abs(acts[at + c]! - all.reduce((a, b) => a + b, 0) / all.length)).toBeLessThan(
                3e-5,
              );
            }
          }
        }
        expect(row).toBe(loader.length);
      }
    }
  });

  it(cls ? "has CLS tokens" : "says that it has no CLS tokens", async () => {
    const open = ActivationLoader.open(DataLoad.parse({ shard_root: dir, layer: -1, patches: "cls" }));
    if (cls) (await open).dispose();
    else await expect(open).rejects.toThrow(/patches = "cls" needs a \[CLS\] token, and these shards have/);
  });
});
