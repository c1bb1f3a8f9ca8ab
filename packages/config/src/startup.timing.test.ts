import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { built } from "./testing/built.js";
import { runNode } from "./testing/run-node.js";

const index = built();

/**
 * 30 ms are meant on a machine that loads modules fast. What a module costs before its first line runs depends on the machine and
 * its file system (0.3 to 0.9 ms were seen): a slower one gets 3 times what as many empty modules take. zod alone would take more.
 * Both are timed in turn and the medians compared, since the machine's speed changes from second to second.
 */
test("importing the built package adds less than 30 ms to bare Node, or 3 times as many empty modules", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-empty-"));
  try {
    const empty = emptyModules(folder, readdirSync(path.dirname(index)).filter(isModule).length);
    const empties: number[] = [];
    const added: number[] = [];
    const allowed = (): number => Math.max(30, 3 * median(empties));
    for (let i = 0; i < 60 && (i < 11 || median(added) >= allowed()); i++) {
      empties.push(importing(empty));
      added.push(importing(index));
    }
    const figures = [median(empties), median(added), allowed()].map((ms) => ms.toFixed(1));
    console.log(
      `empty modules ${figures[0]} ms, the package's ${figures[1]} ms of ${figures[2]} allowed; 30 are meant`,
    );
    expect(median(added)).toBeLessThan(allowed());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const isModule = (file: string): boolean => file.endsWith(".js") && !file.endsWith(".test.js");

/** A module that imports `n` others. @returns its path. */
function emptyModules(folder: string, n: number): string {
  const names = Array.from({ length: n }, (_, i) => `./${i}.mjs`);
  for (const [i, name] of names.entries())
    writeFileSync(path.join(folder, name), `export const a${i} = ${i};\n`);
  const all = path.join(folder, "all.mjs");
  writeFileSync(all, names.map((name) => `export * from "${name}";\n`).join(""));
  return all;
}

/** Milliseconds, in a process of its own. */
function importing(file: string): number {
  const url = JSON.stringify(pathToFileURL(file).href);
  return Number(
    runNode(`const t = performance.now(); await import(${url}); console.log(performance.now() - t);`),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
