import { expect, test } from "vitest";
import type { EvaluationFigures } from "../evaluation/figures.js";
import { rungsOf, worst } from "./halving.js";

test("rungs halve the SAEs and double the steps, to one", () => {
  expect(rungsOf(8, 800)).toEqual([
    { step: 100, keep: 4 },
    { step: 200, keep: 2 },
    { step: 400, keep: 1 },
  ]);
  expect(rungsOf(5, 800)).toEqual([
    { step: 100, keep: 3 },
    { step: 200, keep: 2 },
    { step: 400, keep: 1 },
  ]);
  expect(rungsOf(9, 900, 3)).toEqual([
    { step: 100, keep: 3 },
    { step: 300, keep: 1 },
  ]);
  expect(rungsOf(1, 800)).toEqual([]);
  expect(rungsOf(8, 3)).toEqual([{ step: 1, keep: 1 }]); // earlier ones would come before the first step
});

test("the worst by each metric", () => {
  const figures = [
    [1, 10, 0],
    [2, 5, 1],
    [3, 6, 2], // worse than the one before in both
    [4, 1, 0],
    [Number.NaN, 9, 0],
  ].map(([mse, l0, nDead]) => ({ mse, l0, nDead }) as EvaluationFigures);
  expect(worst(figures, "mse", 2)).toEqual([4, 3]);
  expect(worst(figures, "l0", 2)).toEqual([0, 4]);
  expect(worst(figures, "dead", 2)).toEqual([2, 1]);
  expect(worst(figures, "frontier", 1)).toEqual([2]);
  expect(worst([figures[0]!, figures[0]!], "mse", 1)).toEqual([1]);
  expect(worst(figures, "mse", -1)).toEqual([]);
});
