import { expect, test } from "vitest";
import { columnNames } from "../../../src/explorer/api.js";
import { columnsOf } from "./columns.js";
import { mapColours } from "./map-colours.js";

const table = {
  frequency: [0.5, 0, 1e-3, 1e-8],
  mean: [2, Number.NaN, 0.1, 1],
  max: [3, 0, 1, 1],
  percentile: [2, 0, 0, -1],
  best: [1, -1, 2, 3],
};
const columns = columnsOf(Float32Array.from(columnNames.flatMap((name) => table[name])).buffer);
const all = Uint32Array.from([0, 1, 2, 3]);
/** Of sRGB channels, roughly: 0 black, 1 white. */
const lightness = (colour: string) =>
  colour
    .match(/\d+/g)!
    .map((c, i) => [0.21, 0.72, 0.07][i]! * (Number(c) / 255) ** 2.2)
    .reduce((a, b) => a + b, 0);

test.each([true, false])("a scale that can be seen on the page's ground, dark: %s", (dark) => {
  const { of, legend } = mapColours("mean", columns, all, { dark });
  if (!("steps" in legend)) throw new Error("expected a scale");
  expect([legend.lo, legend.hi].map((x) => Number(x.toFixed(4)))).toEqual([-1, 0.301]);
  expect(of(1)).toBeUndefined();
  expect([of(2), of(0)]).toEqual([legend.steps[0], legend.steps.at(-1)]);
  const ground = lightness(dark ? "rgb(30 33 39)" : "rgb(255 255 255)");
  for (const colour of legend.steps) {
    const [x, y] = [lightness(colour) + 0.05, ground + 0.05];
    // WCAG's contrast; graphics want 3, tiny dots in the middle of a scale are seen from less.
    expect(Math.max(x, y) / Math.min(x, y)).toBeGreaterThan(1.6);
  }
});

test("by state, percentile and the fit of a text", () => {
  const { of, legend } = mapColours("state", columns, all, { dark: true });
  expect("names" in legend && legend.names.map(([name]) => name)).toEqual([
    "alive",
    "dense",
    "almost dead",
    "dead",
  ]);
  expect(new Set([of(0), of(1), of(2), of(3)]).size).toBe(4);
  const percentile = mapColours("percentile", columns, all, { dark: false }).legend;
  expect(percentile).toMatchObject({ lo: -1, hi: 2 });
  const scores = Float32Array.of(1, Number.NaN, 3, 2);
  const fit = mapColours("fit", columns, all, { dark: false, scores });
  expect([fit.legend, fit.of(1)]).toMatchObject([{ lo: 1, hi: 3 }, undefined]);
});
