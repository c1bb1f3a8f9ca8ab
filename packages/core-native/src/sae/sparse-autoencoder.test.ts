import { expect, test } from "vitest";
import { Tensor } from "../tensor.js";
import { SparseAutoencoder } from "./sparse-autoencoder.js";

const dVit = 5;
const dSae = 70;

function numbers(n: number, seed: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 1.5);
}

const tensors = () => ({
  wEnc: Tensor.from(numbers(dVit * dSae, 1), [dVit, dSae]),
  bEnc: Tensor.from(numbers(dSae, 2), [dSae]),
  wDec: Tensor.from(numbers(dVit * dSae, 3), [dSae, dVit]),
  bDec: Tensor.from(numbers(dVit, 4), [dVit]),
});

test.each(["centred", "raw"] as const)("encodes and decodes as the formula says, %s", async (input) => {
  const parameters = tensors();
  using sae = SparseAutoencoder.from(parameters, input);
  expect([sae.dVit, sae.dSae, sae.input]).toEqual([dVit, dSae, input]);
  const rows = 7;
  const x = numbers(rows * dVit, 9);
  const [wEnc, bEnc, wDec, bDec] = [parameters.wEnc, parameters.bEnc, parameters.wDec, parameters.bDec].map(
    (t) => t.toFloat32Array(),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  using latents = await sae.encode(Tensor.from(x, [rows, dVit]));
  const f = latents.toDense();
  const xHat = (await sae.decode(latents)).toFloat32Array();
  let active = 0;
  for (let r = 0; r < rows; r++) {
    const expected = new Float64Array(dVit).map((_, k) => bDec[k]!);
    for (let j = 0; j < dSae; j++) {
      let h = bEnc[j]!;
      for (let k = 0; k < dVit; k++)
        h += (x[r * dVit + k]! - (input === "centred" ? bDec[k]! : 0)) * wEnc[k * dSae + j]!;
      expect(f[r * dSae + j]).toBeCloseTo(Math.max(0, h), 4);
      active += f[r * dSae + j]! > 0 ? 1 : 0;
      for (let k = 0; k < dVit; k++) expected[k]! += f[r * dSae + j]! * wDec[j * dVit + k]!;
    }
    for (let k = 0; k < dVit; k++) expect(xHat[r * dVit + k]).toBeCloseTo(expected[k]!, 3);
  }
  expect(latents.nnz).toBe(active);
});

test("gives back the bits it was given", () => {
  const given = tensors();
  using sae = SparseAutoencoder.from(given);
  const back = sae.tensors();
  for (const name of ["wEnc", "bEnc", "wDec", "bDec"] as const) {
    expect(back[name].shape).toEqual(given[name].shape);
    expect(back[name].toFloat32Array()).toEqual(given[name].toFloat32Array());
  }
});

test("refuses what cannot be an SAE", async () => {
  const good = tensors();
  expect(() => SparseAutoencoder.from({ ...good, bDec: Tensor.from(numbers(6, 1)) })).toThrow(/do not fit/);
  const nan = numbers(dSae, 2);
  nan[3] = Number.NaN;
  expect(() => SparseAutoencoder.from({ ...good, bEnc: Tensor.from(nan) })).toThrow(/b_enc holds a value/);
  using sae = SparseAutoencoder.from(good);
  await expect(sae.encode(Tensor.from(numbers(6, 1), [1, 6]))).rejects.toMatchObject({
    code: "SHAPE_MISMATCH",
  });
  const gone = SparseAutoencoder.from(good);
  gone.dispose();
  expect(() => gone.dVit).toThrow(/disposed/);
});
