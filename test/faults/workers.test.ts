import { beforeAll, describe, expect, it } from "vitest";
import { compile } from "../e2e/saev.js";
import { ending, runChild } from "./child.js";

function run(mode: string) {
  const child = runChild("workers-child.mjs", [mode]);
  expect(ending(child), child.stderr).toBe("exit code 0");
  expect(child.stderr).toBe("");
  return child.lines.at(-1)!;
}

beforeAll(compile);

describe("native jobs and threads", { timeout: 120_000 }, () => {
  it("run in two workers and the main thread at once", () => {
    const { expected, here, a, b } = run("together");
    expect(expected).toBeGreaterThan(0);
    expect(here).toBe(expected);
    for (const messages of [a, b]) expect(messages).toEqual(["working", expected, expected]);
  });

  it("end cleanly when their worker is terminated in mid-job", () => {
    expect(run("terminate").alive).toBeGreaterThan(0);
  });

  it("end cleanly when the process leaves in mid-job", () => {
    expect(run("exit")).toEqual({ leaving: true });
  });

  it("stop soon after their signal fires, while another thread goes away", () => {
    const { aborted, ms } = run("abort");
    expect(aborted).toBe(true);
    expect(ms).toBeLessThan(3000);
  });
});
