import { expect, test } from "vitest";
import { exp, log, normalQuantile } from "./exact-math.js";

/** Math's own are good to a unit or two in the last place. */
const close = (ours: number, theirs: number, ulps = 8): void => {
  expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(ulps * 2 ** -52 * Math.abs(theirs));
};

test("exp and log agree with Math's to a few units in the last place", () => {
  for (let i = -7000; i <= 7000; i += 7) close(exp(i / 10), Math.exp(i / 10));
  for (let i = -300; i <= 300; i++)
    for (const m of [1, 1.37, 2.9, 7.77]) close(log(m * 10 ** i), Math.log(m * 10 ** i));
  for (const x of [1, 1 + 2 ** -52, 1 - 2 ** -53, 0.999, 1.001]) close(log(x), Math.log(x));
  expect(exp(0)).toBe(1);
  expect(log(1)).toBe(0);
});

// Printed by Python 3.11's statistics.NormalDist().inv_cdf, which is the same algorithm.
test.each([
  [0.5, 0.0],
  [0.5001, 0.0002506628300880075],
  [0.925, 1.439531470938456],
  [0.926, 1.4466320671589785],
  [0.05, -1.6448536269514726],
  [0.01, -2.3263478740408408],
  [1e-5, -4.2648907939228256],
  [1e-10, -6.361340902404056],
  [1e-12, -7.034483825301132],
  [1e-15, -7.941345326170995],
  [5.551115123125783e-17, -8.292361075813595],
  [0.999999, 4.753424308817089],
  [0.9999999999999999, 8.209536151601386],
])("the normal quantile of %s", (p, quantile) => {
  close(normalQuantile(p), quantile);
});
