import { describe, expect, it } from "vitest";
import { MemoryLoader } from "../loading/batch-source.js";
import { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { Tensor } from "../tensor.js";
import { accumulateTopK } from "./accumulate.js";
import { legacyTopK } from "./legacy.js";

const rows = 500;
const dVit = 4;
const dSae = 9;

const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));

const parts = () => ({
  loader: MemoryLoader.create(Tensor.from(numbers(rows * dVit, 1), [rows, dVit])),
  sae: SparseAutoencoder.from({
    wEnc: Tensor.from(numbers(dVit * dSae, 2), [dVit, dSae]),
    bEnc: Tensor.from(numbers(dSae, 3)),
    wDec: Tensor.from(numbers(dVit * dSae, 4), [dSae, dVit]),
    bDec: Tensor.from(numbers(dVit, 5)),
  }),
});

const options = { sortBy: "cls", topK: 5, patches: 1 } as const;

describe("accumulateTopK", () => {
  it("ranks what the SAE encodes, whatever the batches, from the beginning of the source", async () => {
    const { loader, sae } = parts();
    const f = (await sae.encode(Tensor.from(numbers(rows * dVit, 1), [rows, dVit]))).toDense();
    await loader.next(123); // somewhere in the middle
    const done: number[] = [];
    using stats = await accumulateTopK(loader, sae, {
      ...options,
      topkBatchSize: 64,
      saeBatchSize: 10,
      onProgress: (p) => done.push(p.done),
    });
    // A batch of more rows than there are takes no more memory than they do.
    using again = await accumulateTopK(loader, sae, { ...options, topkBatchSize: 2 ** 50 });
    const [a, b] = [stats.tables(90), again.tables(90)];
    for (let latent = 0; latent < dSae; latent++) {
      const column = Array.from({ length: rows }, (_, r) => f[r * dSae + latent]!);
      const order = [...column.keys()].sort((i, j) => column[j]! - column[i]! || i - j).slice(0, 5);
      expect([...a.topImgI.narrow(0, latent, 1).toTypedArray()].map(Number)).toEqual(order);
      const sorted = [...column].sort((x, y) => x - y);
      expect(a.percentiles.toFloat32Array()[latent]).toBe(sorted[Math.ceil(0.9 * rows) - 1]);
    }
    for (const name of ["topScores", "meanValues", "sparsity", "percentiles"] as const) {
      expect(a[name].toTypedArray()).toEqual(b[name].toTypedArray());
    }
    expect(done.at(-1)).toBe(rows);
    expect(stats.rows).toBe(rows);
  });

  it("stops when asked, and refuses widths and orders that do not fit", async () => {
    const { loader, sae } = parts();
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(accumulateTopK(loader, sae, { ...options, signal })).rejects.toThrow("enough");
    const wide = MemoryLoader.create(Tensor.from(numbers(rows * 5, 1), [rows, 5]));
    await expect(accumulateTopK(wide, sae, options)).rejects.toMatchObject({ code: "SHAPE_MISMATCH" });
    const back = MemoryLoader.create(Tensor.from(numbers(8, 1), [2, 4]), [1, 0]);
    await expect(accumulateTopK(back, sae, options)).rejects.toThrow(/ascending/);
    await expect(accumulateTopK(loader, sae, { ...options, topK: 0 })).rejects.toThrow(/top_k/);
    await expect(accumulateTopK(loader, sae, { ...options, topkBatchSize: 0 })).rejects.toThrow(/batch_size/);
  });
});

describe("legacyTopK", () => {
  it("merges batches as the original does", async () => {
    const { loader, sae } = parts();
    const tables = await legacyTopK(loader, sae, {
      patches: false,
      topK: 5,
      patchesPerImage: 1,
      nDistributions: 2,
      percentile: 99,
      topkBatchSize: 100,
      saeBatchSize: 100,
    });
    using stats = await accumulateTopK(loader, sae, options);
    // Without ties and without a short batch, its CLS ranking is ours.
    expect(tables.topValues.toFloat32Array()).toEqual(stats.tables().topScores.toFloat32Array());
    expect(tables.distributions.shape).toEqual([2, rows]);
  });
});
