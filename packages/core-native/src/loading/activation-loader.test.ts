import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DataLoad, metadataHash, metadataText } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTensor } from "../io/tensor-file.js";
import { Tensor } from "../tensor.js";
import { ActivationLoader } from "./activation-loader.js";

const nImgs = 5;
const layers = [-3, -1];
const nPatches = 3;
const dVit = 4;

/** Image i, recorded layer l, token t, dimension c: a value that says where it lies. */
const value = (i: number, l: number, t: number, c: number) => i * 100 + l * 10 + t + c / 8;

let root = "";
let dir = "";

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), "saev-loader-"));
  const metadata = {
    vit_family: "clip",
    vit_ckpt: "none",
    layers,
    n_patches_per_img: nPatches,
    cls_token: true,
    d_vit: dVit,
    seed: 0,
    n_imgs: nImgs,
    n_patches_per_shard: 2 * layers.length * (nPatches + 1) + 1,
    data: "ImageFolderDataset(root='none')",
  };
  dir = path.join(root, metadataHash(metadata));
  const perImage = layers.length * (nPatches + 1) * dVit;
  mkdirSync(dir);
  writeFileSync(path.join(dir, "metadata.json"), metadataText(metadata));
  for (let shard = 0; shard < 3; shard++) {
    const acts = new Float32Array(2 * perImage);
    for (let n = 0; n < acts.length; n++) {
      const image = shard * 2 + Math.floor(n / perImage);
      const layer = Math.floor(n / ((nPatches + 1) * dVit)) % layers.length;
      const token = Math.floor(n / dVit) % (nPatches + 1);
      if (image < nImgs) acts[n] = value(image, layer, token, n % dVit);
    }
    writeFileSync(path.join(dir, `acts00000${shard}.bin`), acts);
  }
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const config = (over: Partial<DataLoad> = {}): DataLoad =>
  DataLoad.parse({ shard_root: dir, layer: -1, scale_mean: false, scale_norm: false, ...over });

async function rowsOf(loader: ActivationLoader, maxRows = 1000) {
  const rows: { index: number; image: number; patch: number; act: number[] }[] = [];
  for await (const batch of loader.batches(maxRows)) {
    const acts = batch.acts.toFloat32Array();
    const [index, images, patches] = [batch.index, batch.imageI, batch.patchI].map((t) =>
      [...t.toTypedArray()].map(Number),
    );
    for (let r = 0; r < index!.length; r++) {
      rows.push({
        index: index![r]!,
        image: images![r]!,
        patch: patches![r]!,
        act: [...acts.slice(r * dVit, (r + 1) * dVit)],
      });
    }
    batch[Symbol.dispose]();
  }
  return rows;
}

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** What a row must be, written the slow way. */
function expected(
  patches: DataLoad["patches"],
  layer: DataLoad["layer"],
  image: number,
  patch: number,
  l: number,
) {
  const tokens = patches === "cls" ? [0] : patches === "patches" ? [patch + 1] : [1, 2, 3];
  const from = layer === "meanpool" ? [0, 1] : [l];
  return Array.from({ length: dVit }, (_, c) =>
    Math.fround(mean(from.flatMap((k) => tokens.map((t) => value(image, k, t, c))))),
  );
}

describe("ActivationLoader", () => {
  for (const patches of ["cls", "patches", "meanpool"] as const) {
    for (const layer of [-3, -1, "all", "meanpool"] as const) {
      it(`reads patches = ${patches}, layer = ${layer} in the order of the disk`, async () => {
        using loader = await ActivationLoader.open(config({ patches, layer }), {
          order: "ordered",
          nWorkers: 0,
        });
        const groups = layer === "all" ? 2 : 1;
        const perGroup = patches === "patches" ? nPatches : 1;
        expect(loader.length).toBe(nImgs * groups * perGroup);
        const rows = await rowsOf(loader, 4);
        expect(rows).toHaveLength(loader.length);
        rows.forEach((row, n) => {
          const l = layer === "all" ? Math.floor(n / perGroup) % 2 : layer === -3 ? 0 : 1;
          expect([row.index, row.image]).toEqual([n, Math.floor(n / (groups * perGroup))]);
          expect(row.patch).toBe(patches === "patches" ? n % nPatches : -1);
          expect(row.act).toEqual(expected(patches, layer, row.image, row.patch, l));
        });
      });
    }
  }

  it.each([0, 2])(
    "visits each row once an epoch, each epoch in another order (nWorkers %i)",
    async (nWorkers) => {
      using loader = await ActivationLoader.open(config(), { seed: 7, nWorkers });
      const first = (await rowsOf(loader, 4)).map((r) => r.index);
      const second = (await rowsOf(loader, 4)).map((r) => r.index);
      expect(first.toSorted((a, b) => a - b)).toEqual(Array.from({ length: nImgs * nPatches }, (_, i) => i));
      expect(second.toSorted((a, b) => a - b)).toEqual(first.toSorted((a, b) => a - b));
      expect(second).not.toEqual(first);
      loader.reset();
      expect((await rowsOf(loader, 4)).map((r) => r.index)).toEqual(first);
    },
  );

  it("goes on from a state to the same rows, prefetching or not", async () => {
    using a = await ActivationLoader.open(config(), { seed: 3, nWorkers: 2 });
    using b = await ActivationLoader.open(config(), { seed: 3, nWorkers: 0 });
    for (let n = 0; n < 3; n++) (await a.next(4))![Symbol.dispose]();
    b.restore(a.state());
    const indices = async (l: ActivationLoader) => (await rowsOf(l, 4)).map((r) => r.index);
    expect(await indices(b)).toEqual(await indices(a));
    using other = await ActivationLoader.open(config(), { seed: 4 });
    expect(() => other.restore(a.state())).toThrow(/seed 3/);
  });

  it("clamps, centres and scales; files and computed values in any mix", async () => {
    const meanFile = path.join(root, "mean.pt");
    const normFile = path.join(root, "norm.pt");
    await writeTensor(meanFile, Tensor.from(new Float32Array([1, 2, 3, 4])));
    await writeTensor(normFile, Tensor.from(new Float32Array([2]), []));
    using loaded = await ActivationLoader.open(
      config({ clamp: 50, scale_mean: meanFile, scale_norm: normFile }),
      { order: "ordered" },
    );
    const [first] = await rowsOf(loaded);
    expect(first!.act).toEqual([0, 1, 2, 3].map((c) => (Math.min(50, value(0, 1, 1, c)) - (c + 1)) / 2));

    using computed = await ActivationLoader.open(config({ scale_mean: true, scale_norm: normFile }), {
      order: "ordered",
    });
    const all = Array.from({ length: nImgs }, (_, i) => [1, 2, 3].map((t) => value(i, 1, t, 0))).flat();
    expect(computed.actMean.toFloat32Array()[0]).toBeCloseTo(mean(all), 4);
    expect(computed.scalar).toBe(2);

    using norm = await ActivationLoader.open(config({ scale_mean: meanFile, scale_norm: true }), {
      order: "ordered",
    });
    const norms = Array.from({ length: nImgs }, (_, i) =>
      [1, 2, 3].map((t) => Math.hypot(...[0, 1, 2, 3].map((c) => value(i, 1, t, c) - (c + 1)))),
    ).flat();
    expect(norm.scalar).toBeCloseTo(mean(norms) / Math.sqrt(dVit), 3);
  });

  it("leaves out the images that could not be recorded", async () => {
    const copy = path.join(root, "holes");
    cpSync(dir, copy, { recursive: true });
    writeFileSync(
      path.join(copy, "saev.json"),
      '{"format": 1, "status": "complete", "images_done": 5, "holes": [1, 4]}',
    );
    using loader = await ActivationLoader.open(config({ shard_root: copy, scale_mean: true }), {
      order: "ordered",
    });
    const rows = await rowsOf(loader);
    expect([...new Set(rows.map((r) => r.image))]).toEqual([0, 2, 3]);
    expect(rows[3]!.index).toBe(2 * nPatches);
    const all = [0, 2, 3].flatMap((i) => [1, 2, 3].map((t) => value(i, 1, t, 0)));
    expect(loader.actMean.toFloat32Array()[0]).toBeCloseTo(mean(all), 4);
  });

  it("says what is wrong with layers, folders and files", async () => {
    await expect(ActivationLoader.open(config({ layer: -2 }))).rejects.toThrow(
      /-2 was not recorded .* -3, -1/,
    );
    await expect(ActivationLoader.open(config({ shard_root: root }))).rejects.toThrow(/did you mean/);
    await expect(
      ActivationLoader.open(config({ shard_root: path.join(root, "nowhere") })),
    ).rejects.toMatchObject({ code: "NOT_FOUND" });
    const copy = path.join(root, "short");
    cpSync(dir, copy, { recursive: true });
    truncateSync(path.join(copy, "acts000002.bin"), 100);
    await expect(ActivationLoader.open(config({ shard_root: copy }))).rejects.toThrow(
      /acts000002.bin: expected \d+ bytes/,
    );
    const bad = path.join(root, "nan");
    cpSync(dir, bad, { recursive: true });
    const shard = path.join(bad, "acts000000.bin");
    writeFileSync(shard, new Float32Array(statSync(shard).size / 4).fill(Number.NaN));
    await expect(ActivationLoader.open(config({ shard_root: bad, scale_mean: true }))).rejects.toMatchObject({
      code: "NUMERIC",
    });
    const unfinished = path.join(root, "unfinished");
    cpSync(dir, unfinished, { recursive: true });
    writeFileSync(
      path.join(unfinished, "saev.json"),
      '{"format": 1, "status": "recording", "images_done": 2, "holes": []}',
    );
    await expect(ActivationLoader.open(config({ shard_root: unfinished }))).rejects.toThrow(
      /only 2 of 5 images/,
    );
  });

  it("belongs to one job at a time", async () => {
    using loader = await ActivationLoader.open(config(), { nWorkers: 0 });
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => loader.next(4)));
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(results.some((r) => r.status === "fulfilled")).toBe(true);
  });

  it("frees what it holds", async () => {
    const loader = await ActivationLoader.open(config());
    loader.dispose();
    await expect(loader.next(1)).rejects.toMatchObject({ code: "DISPOSED" });
    expect(existsSync(dir)).toBe(true);
  });
});
