import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const source = path.resolve(import.meta.dirname, "..");
const dist = path.resolve(source, "../dist");

/** The built package's index.js, built first if a source is newer: for tests of what is published. */
export function built(): string {
  const index = path.join(dist, "index.js");
  const stale = readdirSync(source)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .some((file) => {
      const js = path.join(dist, file.replace(/\.ts$/, ".js"));
      return !existsSync(js) || statSync(js).mtimeMs < statSync(path.join(source, file)).mtimeMs;
    });
  if (stale) {
    const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-b", path.dirname(source)], { stdio: "inherit" });
  }
  return index;
}
