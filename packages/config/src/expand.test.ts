import { expect, test } from "vitest";
import { expand } from "./index.js";

test("the last key varies fastest, nested tables expand, a single value stays", () => {
  expect(expand({ lr: [1, 2], sae: { d: [3, 4], e: "x" } })).toEqual([
    { lr: 1, sae: { d: 3, e: "x" } },
    { lr: 1, sae: { d: 4, e: "x" } },
    { lr: 2, sae: { d: 3, e: "x" } },
    { lr: 2, sae: { d: 4, e: "x" } },
  ]);
});

test("lists and tables inside lists are values; an empty list leaves nothing", () => {
  expect(expand({ a: [[1, 2], { b: [3] }] })).toEqual([{ a: [1, 2] }, { a: { b: [3] } }]);
  expect(expand({ a: 1, b: { c: [] } })).toEqual([]);
  expect(expand({})).toEqual([{}]);
});

test("neither the sweep nor a key called __proto__ harms anything", () => {
  const sweep = Object.freeze({ a: Object.freeze([1, 2]), ...JSON.parse('{"__proto__": [1, 2]}') });
  const all = expand(sweep);
  expect(all).toHaveLength(4);
  expect(
    all.every((c) => Object.hasOwn(c, "__proto__") && Object.getPrototypeOf(c) === Object.prototype),
  ).toBe(true);
});
