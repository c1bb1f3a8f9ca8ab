// npm test [-- FILTER…]
// Sets up what is missing, then: format, lint, types, C++ tests, TypeScript tests (conformance among them). Every part
// runs even when one before it failed. With filters only the TypeScript tests whose path contains one are run.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { clangFormat, nativeSources } from "./setup/native-sources.mjs";
import { root, say, seconds } from "./setup/step.mjs";
import { setupOrExit } from "./setup.mjs";

const filters = process.argv.slice(2);
await setupOrExit();
// Tests need not look again whether dist/ is up to date.
process.env.SAEV_COMPILED = "1";

const total = { passed: 0, failed: 0, skipped: 0 };
const parts = [];

/** Runs a command to its end; gives how it ended and, with `quiet`, all that it wrote instead of letting it through. */
function finished(command, args, quiet) {
  return new Promise((resolve) => {
    const stdio = ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"];
    const child = spawn(command, args, { cwd: root, stdio });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (piece) => {
        text += piece;
      });
    }
    child.on("error", (error) => resolve({ status: 1, text: `${text}${command}: ${error.message}\n` }));
    child.on("close", (status) => resolve({ status, text }));
  });
}

/**
 * Runs one part. `count` reads from its output (where that is not let through) what it adds to the totals; a part that fails
 * without a failed test of its own counts as one. Gives a function that tells it.
 */
async function part({ name, command, args, count = () => ({}) }, { quiet }) {
  const started = performance.now();
  const { status, text } = await finished(command, args, quiet);
  const took = seconds(started);
  return () => {
    if (quiet) process.stdout.write(text);
    const { passed = 0, failed = 0, skipped = 0 } = count(text);
    const ok = status === 0 && failed === 0;
    total.passed += passed;
    total.skipped += skipped;
    total.failed += ok ? 0 : Math.max(failed, 1);
    parts.push(`${ok ? "ok    " : "FAILED"} ${name} (${took})`);
  };
}

/** Runs parts two at a time, as most keep one core busy, and tells them in their order. */
async function beside(all) {
  const running = [];
  const slots = [Promise.resolve(), Promise.resolve()];
  for (const each of all) {
    const slot = await Promise.race(slots.map((free, i) => free.then(() => i)));
    const run = part(each, { quiet: true });
    slots[slot] = run;
    running.push(run);
  }
  for (const [i, run] of running.entries()) {
    say(`\n── ${all[i].name}`);
    (await run)();
  }
}

const node = process.execPath;
const tool = (file) => path.join("node_modules", file);

if (filters.length === 0) {
  await beside([
    {
      name: "format and lint: TypeScript",
      command: node,
      args: [tool("@biomejs/biome/bin/biome"), "check", "--error-on-warnings", "."],
    },
    {
      name: "format: C++",
      command: clangFormat(),
      args: ["--dry-run", "-Werror", "--style=file", ...nativeSources()],
    },
    {
      name: "types: tests, benchmarks, examples",
      command: node,
      args: [tool("typescript/bin/tsc"), "-p", "tsconfig.test.json"],
    },
    {
      name: "types: the explorer's page",
      command: node,
      args: [tool("typescript/bin/tsc"), "-p", "packages/visuals/page"],
    },
    {
      name: "C++ tests",
      command: "packages/core-native/build/cpu/saev_tests",
      args: [],
      count: (out) => {
        const [, passed = 0, failed = 0] = /^(\d+) passed, (\d+) failed$/m.exec(out) ?? [];
        return { passed: Number(passed), failed: Number(failed) };
      },
    },
  ]);
}

const report = path.join(root, ".cache/test/vitest.json");
mkdirSync(path.dirname(report), { recursive: true });
rmSync(report, { force: true });
const vitest = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...filters];
say("\n── TypeScript tests");
const tests = {
  name: "TypeScript tests",
  command: node,
  args: [tool("vitest/vitest.mjs"), ...vitest],
  count: () => {
    if (!existsSync(report)) return {};
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  },
};
(await part(tests, { quiet: false }))();

console.log(`\n${parts.join("\n")}`);
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`,
);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
