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
  const node: number[] = [];
  const help: number[] = [];
  for (let i = 0; i < 60; i++) {
    node.push(time(["-e", "0"]));
    help.push(time([binary, "--help"]));
  }
  // The fastest of some seconds is what it costs; the rest is what else the machine did.
  expect(Math.min(...help) / Math.min(...node)).toBeLessThan(2.5);
});
