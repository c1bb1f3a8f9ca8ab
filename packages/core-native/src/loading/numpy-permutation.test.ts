import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { numpyPermutation } from "./numpy-permutation.js";

const reference = process.env.SAEV_REFERENCE ?? path.resolve("../shared/reference");
const file = path.join(reference, "shards", "numpy_permutation.json");

describe.skipIf(!existsSync(file))("numpyPermutation against the reference", () => {
  const { cases } = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as {
        cases: { seed: number; n: number; permutation: number[] }[];
      })
    : { cases: [] };
  it.each(cases)("seed $seed, n $n", async ({ seed, n, permutation }) => {
    using order = await numpyPermutation(seed, n, { count: permutation.length });
    expect([...order.toTypedArray()].map(Number)).toEqual(permutation);
  });
});

describe("numpyPermutation", () => {
  it("refuses a count beyond n", async () => {
    await expect(numpyPermutation(0, 3, { count: 4 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
