import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Tensor } from "../tensor.js";
import { TopKAccumulator, type TopKOptions } from "./top-k.js";

const images = 12;
const patches = 4;
const dSae = 6;

/** Latent l fires in image i, patch p with a value that is easy to say; latent 5 never does. */
const value = (l: number, i: number, p: number) =>
  l < 5 && (i + p) % (l + 2) === 0 ? i + p / 8 + l / 64 : 0;

function statistics(options: Partial<TopKOptions> = {}) {
  const rows = images * patches;
  const accumulator = TopKAccumulator.create({ sortBy: "patch", topK: 3, patches, dSae, rows, ...options });
  const fX = new Float32Array(rows * dSae);
  const imageI = new BigInt64Array(rows);
  const patchI = new BigInt64Array(rows);
  for (let r = 0; r < rows; r++) {
    imageI[r] = BigInt(Math.floor(r / patches));
    patchI[r] = BigInt(r % patches);
    for (let l = 0; l < dSae; l++) fX[r * dSae + l] = value(l, Math.floor(r / patches), r % patches);
  }
  accumulator.add(Tensor.from(fX, [rows, dSae]), Tensor.from(imageI), Tensor.from(patchI));
  return accumulator.finish();
}

describe("TopKAccumulator", () => {
  it("ranks images, keeps patches and counts", () => {
    using stats = statistics({ nDistributions: 2 });
    const tables = stats.tables(50);
    expect(tables.topImgI.shape).toEqual([dSae, 3]);
    // Latent 0 fires where i + p is even: in image 11 at patches 1 and 3, in image 10 at 0 and 2.
    expect([...tables.topImgI.narrow(0, 0, 1).toTypedArray()]).toEqual([11n, 10n, 9n]);
    expect([...tables.topPatchI.narrow(0, 0, 1).toTypedArray()]).toEqual([3n, 2n, 3n]);
    expect([...stats.patchValues(0).narrow(0, 0, 1).toFloat32Array()]).toEqual([0, 11.125, 0, 11.375]);
    expect(tables.sparsity.toFloat32Array()[0]).toBeCloseTo(23 / 48, 6); // image 0, patch 0 has the value 0
    // A silent latent: images in order, nothing active, no mean.
    expect([...tables.topImgI.narrow(0, 5, 1).toTypedArray()]).toEqual([0n, 1n, 2n]);
    expect(tables.meanValues.toFloat32Array()[5]).toBeNaN();
    expect(stats.firingPercentile(5, 50)).toBeNaN();
    expect(tables.distributions.shape).toEqual([2, images * patches]);
    expect(stats.histogram(0, 4).counts.reduce((a, b) => a + b, 0)).toBe(23);
  });

  it("refuses a NaN, a wrong width and rows out of order", () => {
    const one = { sortBy: "cls", topK: 1, patches: 1, dSae: 2, rows: 2 } as const;
    using accumulator = TopKAccumulator.create(one);
    const order = Tensor.from(new BigInt64Array([1n, 0n]));
    expect(() => accumulator.add(Tensor.from(new Float32Array(4), [2, 2]), order)).toThrow(/ascending/);
    const up = Tensor.from(new BigInt64Array([0n, 1n]));
    expect(() => accumulator.add(Tensor.from(new Float32Array(6), [2, 3]), up)).toThrow(/width 2, found 3/);
    const nan = new Float32Array([0, Number.NaN, 0, 0]);
    expect(() => accumulator.add(Tensor.from(nan, [2, 2]), up)).toThrow(/latent 1 of image 0 is not finite/);
    expect(() => accumulator.finish()).toThrow(/expected 2 rows, found 0/);
    expect(() => TopKAccumulator.create({ ...one, dSae: 2 ** 40 })).toThrow(/d_sae/);
    using stats = statistics();
    expect(() => stats.histogram(0, 1e12)).toThrow(/bins/);
    expect(() => stats.histogram(dSae)).toThrow(/0 to 5, found 6/);
    expect(() => stats.tables(101)).toThrow(/percentile/);
  });
});

describe("writeTopValues", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "saev-top-k-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const python = process.env.SAEV_PYTHON;
  it.skipIf(!python)("is what torch.load reads, mapped or not, and what unzip accepts", async () => {
    using stats = statistics();
    const file = path.join(folder, "top_values.pt");
    await stats.writeTopValues(file);
    const script = `
import sys, torch, zipfile
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
for mmap in (False, True):
    t = torch.load(sys.argv[1], weights_only=True, mmap=mmap)
    assert t.dtype == torch.float32 and tuple(t.shape) == (6, 3, 4), t.shape
    assert t.is_contiguous() and t.data_ptr() % 64 == 0
    assert t[0, 0].tolist() == [0, 11.125, 0, 11.375], t[0, 0]
`;
    const run = spawnSync(python!, ["-c", script, file], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
  });

  it("leaves nothing behind when it cannot write or is aborted", async () => {
    using stats = statistics();
    await expect(stats.writeTopValues(path.join(folder, "missing", "a.pt"))).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(stats.writeTopValues(path.join(folder, "b.pt"), { signal })).rejects.toThrow("enough");
    expect(existsSync(path.join(folder, "b.pt"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });
});
