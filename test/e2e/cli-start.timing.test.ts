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
  // The fastest of many is what it costs; the rest is what else the machine did.
  const ratio = () => Math.min(...help) / Math.min(...node);
  for (let i = 0; i < 60 && (i < 10 || ratio() >= 2.5); i++) {
    node.push(time(["-e", "0"]));
    help.push(time([binary, "--help"]));
  }
  expect(ratio()).toBeLessThan(2.5);
});
