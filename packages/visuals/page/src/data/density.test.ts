import { expect, test } from "vitest";
import { densityOf } from "./density.js";

test("cells hold what lies in them, edges included", () => {
  // Values of which many lie on edges and many are equal.
  const x = Float64Array.from({ length: 2000 }, (_, i) => -7 + ((i * 37) % 101) / 20);
  const y = Float64Array.from({ length: 2000 }, (_, i) => Math.log10(1 + ((i * 53) % 997)));
  const cells = densityOf({ x, y }, 20, 7);
  expect(cells.reduce((sum, { count }) => sum + count, 0)).toBe(2000);
  for (const { x1, x2, y1, y2, count } of cells) {
    const inside = x.filter((v, i) => v >= x1 && v < x2 && y[i]! >= y1 && y[i]! < y2);
    expect(inside.length).toBe(count);
  }
  // The least value is in the middle of the first cell, the largest in that of the last.
  const [first, step] = [Math.min(...cells.map(({ x1 }) => x1)), 5 / 20];
  expect(first).toBeCloseTo(-7 - step / 2, 12);
  expect(Math.max(...cells.map(({ x2 }) => x2))).toBeCloseTo(-2 + step / 2, 12);
});

test("values that are all equal have no density", () => {
  expect(densityOf({ x: Float64Array.of(1, 1), y: Float64Array.of(1, 2) }, 4, 4)).toEqual([]);
  expect(densityOf({ x: new Float64Array(), y: new Float64Array() }, 4, 4)).toEqual([]);
});
