import { expect, test } from "vitest";
import { paretoFront } from "./pareto.js";

test("the Pareto front is what nothing beats in both directions", () => {
  const points = [
    { x: 10, y: 0.5 },
    { x: 20, y: 0.3 },
    { x: 20, y: 0.4 },
    { x: 30, y: 0.35 },
    { x: 40, y: 0.1 },
    { x: 5, y: Number.NaN },
  ];
  expect(paretoFront(points, false)).toEqual([points[0], points[1], points[4]]);
  expect(paretoFront(points, true)).toEqual([points[0]]);
  expect(paretoFront([points[1]!, { x: 20, y: 0.3 }], false)).toHaveLength(2);
  expect(paretoFront([], true)).toEqual([]);
});
