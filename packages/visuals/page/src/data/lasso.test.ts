import { expect, test } from "vitest";
import { inside, lassoOf, lassoText } from "./lasso.js";

test("inside a polygon with a bay", () => {
  const polygon = [
    [0, 0],
    [4, 0],
    [4, 4],
    [2, 1],
    [0, 4],
  ] as const;
  expect(inside(polygon, 1, 1)).toBe(true);
  expect(inside(polygon, 3, 2)).toBe(true);
  expect(inside(polygon, 2, 3)).toBe(false);
  expect(inside(polygon, 5, 1)).toBe(false);
  expect(inside(polygon, Number.NaN, 1)).toBe(false);
  expect(inside([], 0, 0)).toBe(false);
});

test("an address holds it, thinned", () => {
  const circle = Array.from({ length: 500 }, (_, i) => [Math.cos(i / 80), Math.sin(i / 80)] as const);
  const kept = lassoOf(lassoText(circle));
  expect(kept.length).toBeGreaterThan(40);
  expect(kept.length).toBeLessThanOrEqual(48);
  expect(kept[0]).toEqual([1, 0]);
  for (const bad of [null, "", "1,2;3,4", "1,2;3,4;5", "a,b;c,d;e,f"]) expect(lassoOf(bad)).toEqual([]);
});
