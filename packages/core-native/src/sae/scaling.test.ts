import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeSaeFile } from "../io/sae-file.js";
import { Tensor } from "../tensor.js";
import type { Activation } from "./activation.js";
import { exportCheckpoint } from "./formats/index.js";
import { SparseAutoencoder } from "./sparse-autoencoder.js";

const root = mkdtempSync(path.join(tmpdir(), "saev-scaling-"));
afterAll(() => rmSync(root, { recursive: true }));

const [dVit, dSae, nRows] = [6, 18, 7];
const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * 7.1 + seed));
const scaling = { actMean: numbers(dVit, 11).map((v) => 3 * v), scalar: 2.7, clamp: 20 };
const x = numbers(nRows * dVit, 9).map((v) => 5 * v); // none reaches the clamp
const scaled = x.map((v, i) => (v - scaling.actMean[i % dVit]!) / scaling.scalar);

function make(activation: Activation, input: "centred" | "raw"): SparseAutoencoder {
  const tensors = {
    wEnc: Tensor.from(numbers(dVit * dSae, 1), [dVit, dSae]),
    bEnc: Tensor.from(numbers(dSae, 2)),
    wDec: Tensor.from(numbers(dVit * dSae, 3), [dSae, dVit]),
    bDec: Tensor.from(numbers(dVit, 4)),
    ...(activation.kind === "jump-relu" && { threshold: Tensor.from(new Float32Array(dSae).fill(0.3)) }),
    ...(activation.kind === "gated" && {
      rMag: Tensor.from(numbers(dSae, 6)),
      bMag: Tensor.from(numbers(dSae, 7)),
    }),
  };
  const sae = SparseAutoencoder.from(tensors, input, activation);
  sae.scaling = scaling;
  return sae;
}

async function run(sae: SparseAutoencoder, rows: Float32Array) {
  using given = Tensor.from(rows, [nRows, dVit]);
  using latents = await sae.encode(given);
  using xHat = await sae.decode(latents);
  return { f: latents.toDense(), xHat: xHat.toFloat32Array() };
}

const topK: Activation = { kind: "top-k", topK: 4, relu: true };
const kinds: [Activation, string[]][] = [
  [{ kind: "relu" }, ["saelens", "dictionary-learning"]],
  [topK, ["saelens", "sparsify", "dictionary-learning"]],
  [{ kind: "batch-top-k", topK: 4, threshold: 0.7 }, ["saelens", "dictionary-learning"]],
  [{ kind: "jump-relu" }, ["saelens", "dictionary-learning"]],
  [{ kind: "gated" }, ["saelens", "dictionary-learning"]],
];

test("the scaling comes back from sae.pt, and other layouts have it folded in", async () => {
  for (const [activation, formats] of kinds) {
    for (const input of ["centred", "raw"] as const) {
      const name = `${activation.kind}-${input}`;
      const file = path.join(root, `${name}.pt`);
      using sae = make(activation, input);
      const own = await run(sae, scaled);
      expect(own.f.filter((v) => v !== 0).length).toBeGreaterThan(10);
      await sae.save(file);
      using loaded = await SparseAutoencoder.load(file);
      expect(loaded.scaling).toEqual(scaling);
      for (const format of formats) {
        const dir = path.join(root, `${name}-${format}`);
        const [first] = await exportCheckpoint(dir, loaded, format);
        expect(first).toMatch(/^the clamp is not kept: .* cut to ±20, /);
        using back = await SparseAutoencoder.load(dir);
        expect(back.scaling).toBeUndefined();
        const there = await run(back, x);
        // Sums of six products of numbers up to 8 in float32, in another order; reconstructions are of up to 18 of them.
        for (const [i, v] of own.f.entries()) expect(Math.abs(there.f[i]! - v)).toBeLessThan(5e-5);
        for (const [i, v] of own.xHat.entries())
          expect(Math.abs(there.xHat[i]! - (v * scaling.scalar + scaling.actMean[i % dVit]!))).toBeLessThan(
            5e-4,
          );
      }
    }
  }
});

test("a scaling that does not fit the SAE is refused; none is none", async () => {
  using sae = make({ kind: "relu" }, "centred");
  const t = sae.tensors();
  const entries = { W_enc: t.wEnc, b_enc: t.bEnc, W_dec: t.wDec, b_dec: t.bDec };
  const header = { schema: 1, cfg: { d_vit: dVit, exp_factor: 3 }, cls: "Relu" };
  const file = path.join(root, "edited.pt");
  const mean = [...scaling.actMean];
  for (const bad of [
    null,
    {},
    { act_mean: [1], scalar: 1 },
    { act_mean: mean, scalar: 0 },
    { act_mean: mean, scalar: 1, clamp: -1 },
  ]) {
    await writeSaeFile(file, { ...header, scaling: bad }, entries);
    await expect(SparseAutoencoder.load(file)).rejects.toThrow(/expected act_mean of 6 numbers, a scalar/);
  }
  for (const [clamp, found] of [
    [null, Number.POSITIVE_INFINITY],
    [7, 7],
    [undefined, undefined],
  ] as const) {
    await writeSaeFile(file, { ...header, scaling: { act_mean: mean, scalar: 2, clamp } }, entries);
    using read = await SparseAutoencoder.load(file);
    expect(read.scaling).toEqual({ actMean: scaling.actMean, scalar: 2, ...(found && { clamp: found }) });
    await read.save(file);
    using again = await SparseAutoencoder.load(file);
    expect(again.scaling).toEqual(read.scaling);
  }
  await writeSaeFile(file, header, entries);
  using plain = await SparseAutoencoder.load(file);
  expect(plain.scaling).toBeUndefined();
});
