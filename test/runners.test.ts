import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");

function run(file: string, ...args: string[]) {
  const all = ["--import", "./scripts/source/register.mjs", file, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: root, encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

describe("the benchmark runner", () => {
  it("lists what there is, and only that", () => {
    const { code, out } = run("bench/run.ts");
    expect(code).toBe(0);
    const names = /^names: (.+), all$/m.exec(out)?.[1]?.split(", ") ?? [];
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(existsSync(path.join(root, "bench", `${name}.ts`)), name).toBe(true);
    expect(names).not.toContain("run");
  });

  it("ends with 2 for a benchmark or a flag that it does not know", () => {
    expect(run("bench/run.ts", "nothing")).toMatchObject({
      code: 2,
      err: expect.stringContaining("unknown: nothing"),
    });
    expect(run("bench/run.ts", "--fast")).toMatchObject({
      code: 2,
      err: expect.stringContaining("unknown: --fast"),
    });
  });
});

describe("the conformance runner", () => {
  it("ends with 1 where there is no reference, and where it lacks what the areas compare", {
    timeout: 120_000,
  }, () => {
    expect(run("test/conformance/run.ts", "/nowhere/at/all")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no reference at /nowhere/at/all"),
    });
    const empty = mkdtempSync(path.join(tmpdir(), "saev-reference-"));
    const { code, out } = run("test/conformance/run.ts", empty);
    rmSync(empty, { recursive: true });
    expect(code).toBe(1);
    expect(out).toMatch(/areas failed$/m);
  });

  it("ends with 2 for a flag", () => {
    expect(run("test/conformance/run.ts", "--all").code).toBe(2);
  });
});
