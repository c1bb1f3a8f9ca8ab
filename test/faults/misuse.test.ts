import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ending, runChild } from "./child.js";
import { addonSignatures, handleClasses } from "./declarations.js";
import { allMisuses } from "./misuses.js";
import { objects } from "./objects.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-misuse-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("misuse", { timeout: 180_000 }, () => {
  it("ends in one clear error each, and the process lives", async () => {
    const misuses = await allMisuses();
    expect(misuses.length).toBeGreaterThanOrEqual(60);
    expect(new Set(misuses.map(({ what }) => what)).size).toBe(misuses.length);
    const child = runChild("misuse-child.ts", [folder]);
    const last = child.lines.at(-1);
    expect({ ended: ending(child), during: last?.begin }).toEqual({
      ended: "exit code 0",
      during: undefined,
    });
    const outcomes = child.lines.filter((line) => "what" in line);
    expect(outcomes).toHaveLength(misuses.length);
    expect(outcomes.filter(({ problem }) => problem !== undefined)).toEqual([]);
  });

  it("of every export of the addon, thousands of times, ends in a checked error", () => {
    const trace = path.join(folder, "trace");
    const signatures = path.join(folder, "signatures.json");
    const work = mkdtempSync(path.join(folder, "work-"));
    writeFileSync(signatures, JSON.stringify(addonSignatures()));
    const child = runChild("hostile.ts", [signatures, trace, work]);
    const during = readFileSync(trace, "utf8").trim();
    if (child.status !== 0) throw new Error(`${ending(child)} in ${during}\n${child.stderr}`);
    const summary = child.lines.at(-1);
    expect(child.lines.slice(0, -1)).toEqual([]);
    expect(summary).toMatchObject({ done: true, exports: Object.keys(addonSignatures()).length });
    expect(summary?.refused).toBeGreaterThan(10_000);
    expect(summary?.accepted).toBeGreaterThan(1_000);
  });
});

describe("native objects", () => {
  it("are all known to these tests", () => {
    expect(Object.keys(objects).sort()).toEqual(handleClasses(addonSignatures()));
  });

  it("leave nothing behind: 10,000 of each class", { timeout: 180_000 }, () => {
    const child = runChild("leak-child.ts", [folder, "10000"], ["--expose-gc"]);
    expect(ending(child), child.stderr).toBe("exit code 0");
    const classes = child.lines.filter(({ name }) => name !== "undisposed");
    expect(classes.map(({ name }) => name)).toEqual(Object.keys(objects));
    for (const { name, grown } of classes as { name: string; grown: number[] }[]) {
      // 400 bytes an object, in the round that grew least; and no more than allocators keep for themselves in all.
      expect(Math.min(...grown), name).toBeLessThan(2500 * 400);
      expect(
        grown.reduce((a, b) => a + b, 0),
        name,
      ).toBeLessThan(40e6);
    }
    expect(child.lines.at(-1)?.peakBytes).toBeLessThan(1e9);
  });
});
