import { expect, test } from "vitest";
import { curveNames, curvePoints } from "./curves.js";

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
