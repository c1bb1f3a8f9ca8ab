import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
let cache: string;
beforeAll(() => {
  cache = mkdtempSync(path.join(tmpdir(), "saev-nx-"));
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));

function nx(...args: string[]) {
  const run = spawnSync(process.execPath, ["node_modules/nx/dist/bin/nx.js", ...args], {
    cwd: root,
    encoding: "utf8",
    timeout: 100_000,
    env: { ...process.env, NX_CACHE_DIRECTORY: cache, NX_DAEMON: "false", NO_COLOR: "1" },
  });
  return { code: run.status, text: run.stdout + run.stderr };
}

describe("nx run core-native:build", { timeout: 200_000 }, () => {
  it("takes the second run of a flavour from the cache", () => {
    const first = nx("run", "core-native:build:cpu");
    expect(first, first.text).toMatchObject({ code: 0 });
    const second = nx("run", "core-native:build:cpu");
    expect(second, second.text).toMatchObject({ code: 0 });
    expect(second.text).toMatch(/read the output from the cache/i);
    expect(existsSync(path.join(root, "packages/core-native/build/cpu/saev.node"))).toBe(true);
  });

  it("says which toolkit a CUDA flavour misses", () => {
    // What nx would run: nx itself takes seconds to start.
    const build = (flavour: string) => {
      const script = path.join(root, "packages/core-native/scripts/build.mjs");
      const run = spawnSync(process.execPath, [script, "--flavour", flavour], { encoding: "utf8" });
      return { code: run.status, text: run.stdout + run.stderr };
    };
    for (const [flavour, version, start] of [
      ["cu126", "12.6", (name: string) => nx("run", `core-native:build:${name}`)],
      ["cu128", "12.8", build],
    ] as const) {
      if (existsSync(`/usr/local/cuda-${version}`)) continue;
      const { code, text } = start(flavour);
      expect(code).not.toBe(0);
      expect(text).toContain(`${flavour} needs the CUDA toolkit ${version}`);
      expect(text).toMatch(/CUDA_HOME/);
    }
  });
});
