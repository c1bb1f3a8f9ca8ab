import { expect, test } from "vitest";
import { columnNames } from "../../../src/explorer/api.js";
import { columnsOf } from "./columns.js";
import { everything, type Filter, select } from "./filter.js";
import { filterOf, withFilter } from "./filter-address.js";

const table = {
  frequency: [0.5, 0, 1e-3, 1e-8, 1e-4, 1e-3],
  mean: [2, Number.NaN, 0.1, 1, 10, 0.2],
  max: [3, 0, 1, 1, 20, 1],
  percentile: [2, 0, 0, 0, 0, 0],
  best: [1, -1, 2, 3, 4, 5],
};
const columns = columnsOf(Float32Array.from(columnNames.flatMap((name) => table[name])).buffer);
const notes = {
  4: { name: "wheel", note: "of bicycles" },
  2: { name: "", note: "Wheels again" },
  5: { name: "arm", note: "" },
};
const selected = (filter: Partial<Filter>) => [...select(columns, notes, { ...everything, ...filter })];

test("everything, most frequent first, equals by number", () => {
  expect(selected({})).toEqual([0, 2, 5, 4, 3, 1]);
  expect(selected({ descending: false })).toEqual([1, 3, 4, 2, 5, 0]);
});

test("what has no value comes last in either direction", () => {
  expect(selected({ sort: "mean" }).at(-1)).toBe(1);
  expect(selected({ sort: "mean", descending: false }).at(-1)).toBe(1);
  expect(selected({ sort: "name", descending: false })).toEqual([5, 4, 0, 1, 2, 3]);
  expect(selected({ sort: "name" })).toEqual([4, 5, 0, 1, 2, 3]);
});

test("by state", () => {
  expect(selected({ states: new Set(["dead"]) })).toEqual([1]);
  expect(selected({ states: new Set(["almost dead"]) })).toEqual([3]);
  expect(selected({ states: new Set(["dense"]) })).toEqual([0]);
  expect(selected({ states: new Set(["alive"]), sort: "id", descending: false })).toEqual([2, 4, 5]);
});

test("by ranges of logarithms; what never fires is outside", () => {
  expect(selected({ frequency: [-4.01, -2.99] })).toEqual([2, 5, 4]);
  expect(selected({ mean: [-1.01, 0.01] })).toEqual([2, 5, 3]);
  expect(selected({ frequency: [Number.NEGATIVE_INFINITY, 0] })).toContain(1);
  expect(selected({ mean: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] })).not.toContain(1);
});

test("by number, name and note", () => {
  expect(selected({ text: " WHEEL " })).toEqual([2, 4]);
  expect(selected({ text: "3" })).toEqual([3]);
  expect(selected({ noted: true })).toEqual([2, 5, 4]);
});

test("only among those that an export has", () => {
  expect([...select(columns, notes, everything, [3, 5, 0])]).toEqual([0, 5, 3]);
});

test("the address says a filter back", () => {
  const filter: Filter = {
    text: "a&b=c #1",
    like: "what? 100 %",
    states: new Set(["dead", "dense"]),
    frequency: [-4.5, -2],
    mean: [-1, 0.25],
    noted: true,
    sort: "max",
    descending: false,
  };
  const query = withFilter(new URLSearchParams("view=grid"), filter);
  expect(query.get("view")).toBe("grid");
  expect(filterOf(new URLSearchParams(query.toString()))).toEqual(filter);
  expect(withFilter(new URLSearchParams(), everything).toString()).toBe("");
  expect(filterOf(new URLSearchParams("states=none")).states.size).toBe(0);
  expect(filterOf(new URLSearchParams("frequency=3..1&mean=x&sort=colour"))).toEqual({
    ...everything,
    frequency: undefined,
    mean: undefined,
  });
});

test("by suggested names, and by how well a text fits", () => {
  const words = (word: string) => [{ word, score: 1, decoder: 1, pictures: null }];
  const page = { about: {} as never, latents: { 0: words("Zebra"), 3: words("apple") } };
  const texts = {
    names: { state: "ready", page } as const,
    scores: Float32Array.of(1, Number.NaN, 3, 2, -1, 0),
  };
  const found = (filter: Partial<Filter>) => [
    ...select(columns, notes, { ...everything, ...filter }, undefined, texts),
  ];
  expect(found({ text: "zebra" })).toEqual([0]);
  // Where a person said nothing, by the first word.
  expect(found({ sort: "name", descending: false })).toEqual([3, 5, 4, 0, 1, 2]);
  expect(found({ sort: "fit" })).toEqual([2, 3, 0, 5, 4, 1]);
  const like = { ...everything, like: "a red car", sort: "fit" as const };
  expect(filterOf(withFilter(new URLSearchParams(), like))).toEqual(like);
});

test("by the labels of their best images", () => {
  const labelOf = (latent: number) => ["Owl", "", "owl", "barn", "", ""][latent]!;
  const with_ = (filter: Partial<Filter>) => [
    ...select(columns, notes, { ...everything, ...filter }, undefined, { names: { state: "none" }, labelOf }),
  ];
  expect(with_({ text: "OWL" })).toEqual([0, 2]);
  expect(with_({ sort: "label", descending: false }).slice(0, 4)).toEqual([3, 2, 0, 1]);
});

test("values in order: equals by number, what is no number last, both ways", () => {
  const values = Float32Array.of(
    0.5,
    Number.NaN,
    -3,
    0,
    Number.POSITIVE_INFINITY,
    -0,
    0.5,
    1e-40,
    -1e-40,
    Number.NEGATIVE_INFINITY,
  );
  const all = { ...columns, frequency: new Float32Array(10).fill(1), max: values };
  const order = (descending: boolean) => [...select(all, {}, { ...everything, sort: "max", descending })];
  expect(order(false)).toEqual([9, 2, 8, 3, 5, 7, 0, 6, 4, 1]);
  expect(order(true)).toEqual([4, 0, 6, 7, 3, 5, 8, 2, 9, 1]);
});
