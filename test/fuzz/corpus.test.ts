/** The short pass of fuzzing that `npm test` makes: committed corpora, and some mutations of them in processes of their own. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { folders, inMemory, root } from "./folders.js";
import { nativeTargets } from "./native.js";
import { fuzzScript } from "./script.js";
import { expectClear } from "./target.js";
import { targets } from "./targets/index.js";
import { scriptTargets } from "./targets/names.js";

describe("committed corpora", () => {
  it("belong to the targets, each has one", () => {
    expect(targets.map(({ name }) => name)).toEqual([...scriptTargets]);
    const names = [...scriptTargets, ...nativeTargets.map(({ name }) => name)];
    expect(readdirSync(folders.fixtures).sort()).toEqual(names.sort());
  });

  // Those of C++ are run by saev_tests.
  it.each(targets.map((target) => [target.name, target] as const))("%s", async (name, target) => {
    const work = mkdtempSync(path.join(inMemory, "saev-corpus-"));
    try {
      const corpus = path.join(folders.fixtures, name);
      for (const file of readdirSync(corpus)) {
        const bytes = new Uint8Array(readFileSync(path.join(corpus, file)));
        await expectClear(target, bytes, work).catch((error: unknown) => {
          throw new Error(`${name}/${file}: ${(error as Error).message}`, { cause: error });
        });
      }
    } finally {
      rmSync(work, { recursive: true });
    }
  });
});

describe("mutated files, end to end", () => {
  // A decoder that takes the process down, and a rejection that nobody waits for, end the child and fail the test.
  it.each([
    ["images", 1500],
    ["parquet", 300],
    ["tar", 500],
  ] as const)("%s", { timeout: 180_000 }, async (name, runs) => {
    const { inputs, findings } = await fuzzScript(name, runs, { seed: 7, committed: true });
    expect(inputs).toBe(runs);
    expect(findings).toEqual([]);
  });
});

it("npm run fuzz says what targets there are", () => {
  const run = (...args: string[]) =>
    spawnSync(
      process.execPath,
      [
        "--import",
        path.join(root, "scripts/source/register.mjs"),
        path.join(import.meta.dirname, "run.ts"),
        ...args,
      ],
      { encoding: "utf8" },
    );
  expect(run()).toMatchObject({ status: 0, stdout: expect.stringContaining("safetensors, torch-zip") });
  expect(run("nonsense")).toMatchObject({ status: 2, stderr: expect.stringContaining("unknown: nonsense") });
});
