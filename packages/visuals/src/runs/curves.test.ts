import { expect, test } from "vitest";
import { curveNames, curvePoints, thinned } from "./curves.js";

const metrics = [
  { step: 10, loss: 2, mse: 1, l0: 9 },
  { step: 10, val_mse: 1.5, val_cosine: 0.5, val_prefixes: [] },
  { step: 20, loss: 1, mse: Number.NaN, l0: 8 },
];

test("a figure of both sorts has one name, and both its curves", () => {
  expect(curveNames([metrics, []])).toEqual(["loss", "mse", "l0", "val_cosine"]);
  expect(curveNames([])).toEqual([]);
  expect(curvePoints(metrics, "mse")).toEqual([
    { step: 10, value: 1, validation: false },
    { step: 10, value: 1.5, validation: true },
  ]);
  expect(curvePoints(metrics, "val_cosine")).toEqual([{ step: 10, value: 0.5, validation: true }]);
  expect(curvePoints(metrics, "loss").map(({ value }) => value)).toEqual([2, 1]);
});

test("a long curve keeps its spikes", () => {
  const long = Array.from({ length: 1000 }, (_, step) => ({
    step,
    value: step === 501 ? 99 : step === 777 ? -5 : Math.sin(step),
    validation: false,
  }));
  expect(thinned(long, 1000)).toBe(long);
  const short = thinned(long, 100);
  expect(short.length).toBeLessThanOrEqual(100);
  expect(short.map(({ value }) => value)).toEqual(expect.arrayContaining([99, -5]));
  expect(short.map(({ step }) => step)).toEqual([...short.map(({ step }) => step)].sort((a, b) => a - b));
});
