import { nearestRows, Tensor, TopKAccumulator } from "@saev/core";
import { aborted, type Misuse, ones, wrong } from "../misuse.js";

const top = (over: Record<string, unknown> = {}) =>
  TopKAccumulator.create(wrong({ sortBy: "patch", topK: 2, patches: 2, dSae: 3, rows: 2, ...over }));
const ids = (...values: number[]) => Tensor.from(BigInt64Array.from(values.map(BigInt)));
const finished = () => {
  const accumulator = top();
  accumulator.add(ones([2, 3]), ids(0, 0), ids(0, 1));
  return accumulator.finish();
};

export const misuses: readonly Misuse[] = [
  {
    what: "examples of statistics without any",
    run: () => finished().examples(),
    ends: ["INVALID_ARGUMENT"],
  },
  { what: "minus one example", run: () => top({ nExamples: -1 }), ends: ["INVALID_ARGUMENT"] },
  {
    what: "neighbours among rows of another width",
    run: () => nearestRows(ones([2, 3]), ones([2, 4]), 1),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "no neighbours",
    run: () => nearestRows(ones([2, 3]), ones([2, 3]), 0),
    ends: ["INVALID_ARGUMENT"],
  },
  { what: "keeping no images", run: () => top({ topK: 0 }), ends: ["INVALID_ARGUMENT"] },
  { what: "keeping minus one image", run: () => top({ topK: -1 }), ends: ["INVALID_ARGUMENT"] },
  { what: "keeping NaN images", run: () => top({ topK: Number.NaN }), ends: ["INVALID_ARGUMENT"] },
  {
    what: "keeping more images than memory holds",
    run: () => top({ topK: 2 ** 52 }),
    ends: ["INVALID_ARGUMENT", "OUT_OF_MEMORY"],
  },
  { what: "ranking by something unknown", run: () => top({ sortBy: "colour" }), ends: ["INVALID_ARGUMENT"] },
  { what: "images of no patches", run: () => top({ patches: 0 }), ends: ["INVALID_ARGUMENT"] },
  { what: "no latents", run: () => top({ dSae: 0 }), ends: ["INVALID_ARGUMENT"] },
  {
    what: "rows of another width",
    run: () => top().add(ones([2, 4]), ids(0, 0), ids(0, 1)),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "fewer image numbers than rows",
    run: () => top().add(ones([2, 3]), ids(0), ids(0, 1)),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "image numbers of another dtype",
    run: () => top().add(ones([2, 3]), ones([2]), ids(0, 1)),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "images out of order",
    run: () => top().add(ones([2, 3]), ids(1, 0), ids(0, 0)),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a patch past the last",
    run: () => top().add(ones([2, 3]), ids(0, 0), ids(0, 2)),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "a NaN among the latents",
    run: () => top().add(ones([2, 3], Number.NaN), ids(0, 0), ids(0, 1)),
    ends: ["NUMERIC"],
  },
  {
    what: "finishing before all rows came",
    run: () => top().finish(),
    ends: ["INVALID_ARGUMENT", "SHAPE_MISMATCH"],
  },
  {
    what: "adding to a disposed accumulator",
    run: () => {
      const a = top();
      a.dispose();
      a.add(ones([2, 3]), ids(0, 0), ids(0, 1));
    },
    ends: ["DISPOSED"],
  },
  { what: "a latent past the last", run: () => finished().histogram(3), ends: ["INVALID_ARGUMENT"] },
  { what: "minus one bin", run: () => finished().histogram(0, -1), ends: ["INVALID_ARGUMENT"] },
  {
    what: "the 200th percentile",
    run: () => finished().firingPercentile(0, 200),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "values written into a folder that is not there",
    run: () => finished().writeTopValues("/dev/null/all.pt"),
    ends: ["NOT_FOUND", "IO"],
  },
  {
    what: "values written with a signal that was aborted before",
    run: () => finished().writeTopValues("never.pt", { signal: aborted() }),
    ends: "reason",
  },
];
