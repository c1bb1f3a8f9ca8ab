import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { built } from "./testing/built.js";

const index = built();
const url = JSON.stringify(pathToFileURL(index).href);

/** Milliseconds of one `node -e CODE`. */
function run(code: string): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
  });
  const elapsed = performance.now() - started;
  if (status !== 0) throw new Error(stderr);
  return elapsed;
}

/**
 * The fastest of many interleaved runs: other work on the machine only ever adds time. 30 ms are meant on a machine
 * on which bare Node starts in 60 ms; a slower one gets as much more.
 */
test("importing the built package adds less than 30 ms to bare Node", { retry: 2 }, () => {
  const bare: number[] = [];
  const ours: number[] = [];
  for (let i = 0; i < 15; i++) {
    bare.push(run("0"));
    ours.push(run(`await import(${url})`));
  }
  const start = Math.min(...bare);
  const added = Math.min(...ours) - start;
  const allowed = 30 * Math.max(1, start / 60);
  console.log(
    `bare Node ${start.toFixed(1)} ms, import adds ${added.toFixed(1)} ms of ${allowed.toFixed(1)} allowed`,
  );
  expect(added).toBeLessThan(allowed);
});

test("it loads nothing native, and zod and TOML only when something is parsed", () => {
  run(`
    import { createRequire } from "node:module";
    import { strict as assert } from "node:assert";
    process.dlopen = () => { throw new Error("native code was loaded"); };
    const config = await import(${url});
    const { cache } = createRequire(${url});
    const loaded = (name) => Object.keys(cache).some((file) => file.includes("node_modules/" + name + "/"));
    config.flagTable(config.Train);
    assert(!loaded("zod") && !loaded("smol-toml"));
    config.parseTrain(config.parseConfigText("lr = 1", "toml"));
    assert(loaded("zod") && loaded("smol-toml"));
  `);
});

test("no module imports a package when it is loaded", () => {
  const dist = path.dirname(index);
  for (const file of readdirSync(dist).filter((name) => name.endsWith(".js"))) {
    const text = readFileSync(path.join(dist, file), "utf8");
    for (const [, from] of text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"/gm)) {
      expect(from, file).toMatch(/^(\.\/|node:)/);
    }
  }
});
