import { expect, test } from "vitest";
import { eachAtOnce } from "./each-at-once.js";

test("every item is worked on once, as many at a time as asked for", async () => {
  const seen: number[] = [];
  let busy = 0;
  let most = 0;
  await eachAtOnce([0, 1, 2, 3, 4], { concurrency: 2 }, async (item) => {
    most = Math.max(most, ++busy);
    await new Promise((resolve) => setTimeout(resolve, 1));
    seen.push(item);
    busy--;
  });
  expect(seen.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});

test("after a failure nothing more is begun, and what was begun has ended", async () => {
  const [begun, ended]: [number[], number[]] = [[], []];
  const all = eachAtOnce([0, 1, 2, 3], { concurrency: 2 }, async (item) => {
    begun.push(item);
    if (item === 0) throw new Error("no");
    await new Promise((resolve) => setTimeout(resolve, 5));
    ended.push(item);
  });
  await expect(all).rejects.toThrow("no");
  expect([begun, ended]).toEqual([[0, 1], [1]]);
});
