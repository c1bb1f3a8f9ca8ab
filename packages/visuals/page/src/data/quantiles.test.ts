import { expect, test } from "vitest";
import { placeOf, quantileOf } from "./quantiles.js";

test("fractions of a histogram, even inside a bin", () => {
  const histogram = { log10: false, lo: 0, hi: 8, counts: [0, 6, 2, 0] };
  expect([0, 0.5, 0.75, 0.875, 1].map((q) => quantileOf(histogram, q))).toEqual([
    2,
    2 + (2 * 4) / 6,
    4,
    5,
    6,
  ]);
  expect(quantileOf({ ...histogram, log10: true, lo: -2, hi: 2 }, 0.75)).toBeCloseTo(10 ** 0, 9);
  expect(placeOf([0, 0], 0.5)).toBeUndefined();
});
