import { expect, test } from "vitest";
import { sideBySide } from "./differences.js";
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

test("configs side by side: what differs, what only one has", () => {
  const rows = sideBySide([
    { lr: 1e-3, sae: { d_vit: 8, k: [1, 2] }, tag: "" },
    { lr: 1e-3, sae: { d_vit: 8, k: [1, 3] }, extra: null },
  ]);
  expect(rows).toEqual([
    { path: "lr", values: ["0.001", "0.001"], differs: false },
    { path: "sae.d_vit", values: ["8", "8"], differs: false },
    { path: "sae.k", values: ["[1,2]", "[1,3]"], differs: true },
    { path: "tag", values: ['""', ""], differs: true },
    { path: "extra", values: ["", "null"], differs: true },
  ]);
});
