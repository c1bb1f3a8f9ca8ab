import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { built } from "./testing/built.js";
import { runNode } from "./testing/run-node.js";

const index = built();
const url = JSON.stringify(pathToFileURL(index).href);

test("it loads nothing native, and zod and TOML only when something is parsed", () => {
  runNode(`
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
  const imports = readdirSync(dist)
    .filter((name) => name.endsWith(".js"))
    .flatMap((name) => [
      ...readFileSync(path.join(dist, name), "utf8").matchAll(
        /^(?:import|export)\s(?:[^;"]*\sfrom\s)?"([^"]+)"/gm,
      ),
    ]);
  expect(imports.length).toBeGreaterThan(20);
  expect(imports.map(([, from]) => from).filter((from) => !from!.startsWith("./"))).toEqual([]);
});
