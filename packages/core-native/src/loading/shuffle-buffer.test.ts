import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DataLoad } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ShardWriter } from "../shards/shard-writer.js";
import { Tensor } from "../tensor.js";
import { ActivationLoader } from "./activation-loader.js";

const nImgs = 60;
const nPatches = 24;
const dVit = 4;
const layers = [-2, -1];
const length = nImgs * nPatches;

let root = "";
let dir = "";

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-buffer-"));
  using writer = await ShardWriter.open(root, {
    vit_family: "clip",
    vit_ckpt: "none",
    layers,
    n_patches_per_img: nPatches,
    cls_token: true,
    d_vit: dVit,
    seed: 0,
    n_imgs: nImgs,
    n_patches_per_shard: 7 * layers.length * (nPatches + 1),
    data: "none",
  });
  // Every value says where it lies: image, layer, token.
  const values = new Float32Array(nImgs * layers.length * (nPatches + 1) * dVit).map((_, i) =>
    Math.floor(i / dVit),
  );
  using acts = Tensor.from(values, [nImgs, layers.length, nPatches + 1, dVit]);
  await writer.write(acts);
  await writer.finish();
  dir = writer.dir;
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = (over: Partial<DataLoad> = {}): DataLoad =>
  DataLoad.parse({ shard_root: dir, layer: -1, scale_mean: false, scale_norm: false, ...over });

/** The indices of an epoch, each row checked against what lies there. */
async function epoch(loader: ActivationLoader, maxRows = 100): Promise<number[]> {
  const out: number[] = [];
  for await (const batch of loader.batches(maxRows)) {
    const acts = batch.acts.toFloat32Array();
    const [index, images, patches] = [batch.index, batch.imageI, batch.patchI].map((t) =>
      [...t.toTypedArray()].map(Number),
    );
    for (const [r, i] of index!.entries()) {
      const [image, patch] = [Math.floor(i / nPatches), i % nPatches];
      expect([images![r], patches![r]]).toEqual([image, patch]);
      expect(acts[r * dVit]).toBe((image * 2 + 1) * (nPatches + 1) + patch + 1);
    }
    out.push(...index!);
    batch[Symbol.dispose]();
  }
  return out;
}

const inOrder = Array.from({ length }, (_, i) => i);
const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);

describe("a shuffle buffer", () => {
  it.each([2, 3, 64, 1000, 100_000])("of %i rows gives each row once an epoch", async (buffer) => {
    for (const nWorkers of [0, 2]) {
      using loader = await ActivationLoader.open(config(), { seed: 7, buffer, nWorkers });
      const [first, second] = [await epoch(loader), await epoch(loader)];
      expect(sorted(first)).toEqual(inOrder);
      expect(sorted(second)).toEqual(inOrder);
      expect(second).not.toEqual(first);
      loader.reset();
      expect(await epoch(loader, 33)).toEqual(first);
    }
  });

  it("goes on in the middle of an epoch with the same rows", async () => {
    using a = await ActivationLoader.open(config(), { seed: 3, buffer: 300, nWorkers: 2 });
    for (let n = 0; n < 7; n++) (await a.next(90))![Symbol.dispose]();
    const state = a.state();
    const [rest, after] = [await epoch(a), await epoch(a)];
    expect(rest).toHaveLength(length - 630);
    for (const nWorkers of [0, 2]) {
      using b = await ActivationLoader.open(config(), { seed: 3, buffer: 300, nWorkers });
      b.restore(state);
      expect(await epoch(b)).toEqual(rest);
      expect(await epoch(b)).toEqual(after);
    }
    using other = await ActivationLoader.open(config(), { seed: 3, buffer: 400 });
    expect(() => other.restore(state)).toThrow(/a buffer of 300/);
    using none = await ActivationLoader.open(config(), { seed: 3 });
    expect(() => none.restore(state)).toThrow(/loader state/);
  });

  it.each([
    { patches: "cls" },
    { patches: "meanpool" },
    { layer: "all" },
    { layer: "meanpool", patches: "meanpool" },
  ] as const)("gives the rows of $patches $layer as the order of the disk does", async (over) => {
    const rows = async (options: Parameters<typeof ActivationLoader.open>[1]) => {
      using loader = await ActivationLoader.open(config(over), options);
      const found = new Map<number, number[]>();
      for await (const batch of loader.batches(50)) {
        const acts = batch.acts.toFloat32Array();
        for (const [r, i] of [...batch.index.toTypedArray()].map(Number).entries())
          found.set(i, [...acts.slice(r * dVit, (r + 1) * dVit)]);
        batch[Symbol.dispose]();
      }
      return found;
    };
    const [shuffled, ordered] = [await rows({ buffer: 40 }), await rows({ order: "ordered" })];
    expect(shuffled).toEqual(ordered);
  });

  it("says what is wrong with its size", async () => {
    await expect(ActivationLoader.open(config(), { buffer: 1 })).rejects.toThrow(/at least 2 rows, found 1/);
    await expect(ActivationLoader.open(config(), { buffer: -5 })).rejects.toThrow(/found -5/);
    await expect(ActivationLoader.open(config(), { buffer: 64, order: "ordered" })).rejects.toThrow(
      /rows in order need none/,
    );
  });

  it("stops with a message when a shard shrinks", async () => {
    using loader = await ActivationLoader.open(config(), { buffer: 64, nWorkers: 0 });
    (await loader.next(10))![Symbol.dispose]();
    const shard = path.join(dir, "acts000008.bin");
    truncateSync(shard, 4096);
    await expect(epoch(loader)).rejects.toMatchObject({ code: "BAD_FILE" });
  });
});
