import { describe, expect, it } from "vitest";
import { compareKept } from "../bench/_kept.js";

/** Rows of which row r has the pre-activation (r + 1) · (latent + 1) / 64, but latents 8 and 9 have the same; no bias. */
const size = { rows: 128, dVit: 4, dSae: 64, topK: 32 };
const { rows, dVit, dSae, topK } = size;
const of = (latent: number) => (latent === 9 ? 8 : latent) + 1;
const start = {
  x: Float32Array.from({ length: rows * dVit }, (_, i) => (Math.floor(i / dVit) + 1) / 4),
  W_enc: Float32Array.from({ length: dVit * dSae }, (_, i) => of(i % dSae) / 64),
  b_enc: new Float32Array(dSae),
};
const kept = Float64Array.from({ length: rows * dSae }, (_, i) => i)
  .sort((a, b) => value(b) - value(a) || a - b)
  .subarray(0, rows * topK)
  .sort();

function value(pair: number): number {
  return (Math.floor(pair / dSae) + 1) * of(pair % dSae);
}

/** As kept, with `added` in place of `left`. */
function other(left: number, added: number): Float64Array {
  return kept.map((pair) => (pair === left ? added : pair)).sort();
}

describe("the comparison of kept pairs", () => {
  const inside = kept.reduce((a, b) => (value(b) < value(a) ? b : a));
  const outside = Array.from({ length: rows * dSae }, (_, i) => i).filter((pair) => !kept.includes(pair));

  it("finds no difference where there is none", () => {
    expect(compareKept(kept, kept, start, size)).toEqual({ pairs: 0, latents: new Set() });
  });

  it("allows another choice among equals, and names the latents of those rows", () => {
    const equal = outside.find((pair) => value(pair) === value(inside)) as number;
    expect(equal).toBeDefined();
    const { pairs, latents } = compareKept(kept, other(inside, equal), start, { ...size });
    expect(pairs).toBe(2);
    for (const pair of [inside, equal]) expect(latents).toContain(pair % dSae);
    expect(latents.size).toBeGreaterThan(2);
  });

  it("refuses a pair beyond rounding, another number of pairs, and many differences", () => {
    const next = outside
      .filter((pair) => value(pair) < value(inside))
      .reduce((a, b) => (value(b) > value(a) ? b : a));
    expect(() => compareKept(kept, other(inside, next), start, size)).toThrow("more than rounding");
    expect(() => compareKept(kept, kept.subarray(1), start, size)).toThrow(`not ${rows * topK}`);
    const far = kept.map((pair, i) => (i < 20 ? (outside[i] as number) : pair));
    expect(() => compareKept(kept, far, start, size)).toThrow("40 kept pairs differ");
  });
});
