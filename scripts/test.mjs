// npm test [-- FILTER…]
// Sets up what is missing, then: format, lint, types, C++ tests, TypeScript tests (conformance among them). Every part
// runs even when one before it failed. With filters only the TypeScript tests whose path contains one are run.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { clangFormat, nativeSources } from "./setup/native-sources.mjs";
import { root, say, seconds } from "./setup/step.mjs";
import { setupOrExit } from "./setup.mjs";

const filters = process.argv.slice(2);
setupOrExit();

const total = { passed: 0, failed: 0, skipped: 0 };
const parts = [];

/**
 * Runs one part. `count` reads from its output (when `capture` asks for it) what it adds to the totals; a part that fails
 * without a failed test of its own counts as one.
 */
function part(name, command, args, { capture = false, count = () => ({}) } = {}) {
  say(`\n── ${name}`);
  const started = performance.now();
  const { status, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", capture ? "pipe" : "inherit", "inherit"],
    maxBuffer: 1 << 28,
  });
  if (stdout) process.stdout.write(stdout);
  if (error) say(`${command}: ${error.message}`);
  const { passed = 0, failed = 0, skipped = 0 } = count(stdout);
  const ok = status === 0 && failed === 0;
  total.passed += passed;
  total.skipped += skipped;
  total.failed += ok ? 0 : Math.max(failed, 1);
  parts.push(`${ok ? "ok    " : "FAILED"} ${name} (${seconds(started)})`);
}

const node = process.execPath;
const tool = (file) => path.join("node_modules", file);

if (filters.length === 0) {
  part("format and lint: TypeScript", node, [
    tool("@biomejs/biome/bin/biome"),
    "check",
    "--error-on-warnings",
    ".",
  ]);
  part("format: C++", clangFormat(), ["--dry-run", "-Werror", "--style=file", ...nativeSources()]);
  part("types: tests, benchmarks, examples", node, [tool("typescript/bin/tsc"), "-p", "tsconfig.test.json"]);
  part("types: the explorer's page", node, [tool("typescript/bin/tsc"), "-p", "packages/visuals/page"]);
  part("C++ tests", "packages/core-native/build/cpu/saev_tests", [], {
    capture: true,
    count: (out) => {
      const [, passed = 0, failed = 0] = /^(\d+) passed, (\d+) failed$/m.exec(out ?? "") ?? [];
      return { passed: Number(passed), failed: Number(failed) };
    },
  });
}

const report = path.join(root, ".cache/test/vitest.json");
mkdirSync(path.dirname(report), { recursive: true });
rmSync(report, { force: true });
const vitest = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...filters];
part("TypeScript tests", node, [tool("vitest/vitest.mjs"), ...vitest], {
  count: () => {
    if (!existsSync(report)) return {};
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  },
});

console.log(`\n${parts.join("\n")}`);
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`,
);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
