import { spawnSync } from "node:child_process";
import { beforeAll, expect, test } from "vitest";
import { binary, compile } from "./saev.js";

beforeAll(compile);

test("saev --help costs at most 2.5 times node -e 0", () => {
  const time = (args: readonly string[]): number => {
    const start = performance.now();
    expect(spawnSync(process.execPath, args).status).toBe(0);
    return performance.now() - start;
  };
  // Each beside the other: the machine's speed changes from second to second.
  const ratios: number[] = [];
  const ratio = () => ratios.toSorted((a, b) => a - b)[ratios.length >> 1]!;
  for (let i = 0; i < 60 && (i < 11 || ratio() >= 2.5); i++) {
    const node = time(["-e", "0"]);
    ratios.push(time([binary, "--help"]) / node);
  }
  expect(ratio()).toBeLessThan(2.5);
});
