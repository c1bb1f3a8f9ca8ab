import { expect, test } from "vitest";
import { matchGreedily } from "./compare.js";

test("the most alike pair comes first, and each latent is in one pair only", () => {
  const index = Int32Array.from([0, 1, 0, 1, 0, 2]);
  const cosine = Float32Array.from([0.9, 0.5, 0.95, 0.8, 0.7, 0.1]);
  expect(matchGreedily(index, cosine, { k: 2, others: 3 })).toEqual([
    { row: 1, other: 0, cosine: Math.fround(0.95) },
    { row: 0, other: 1, cosine: 0.5 },
    { row: 2, other: 2, cosine: Math.fround(0.1) },
  ]);
});

test("equals go to the first, and one whose candidates are taken has no partner", () => {
  const index = Int32Array.from([3, 3]);
  const cosine = Float32Array.from([0.5, 0.5]);
  expect(matchGreedily(index, cosine, { k: 1, others: 4 })).toEqual([{ row: 0, other: 3, cosine: 0.5 }]);
  expect(matchGreedily(new Int32Array(), new Float32Array(), { k: 0, others: 0 })).toEqual([]);
});
