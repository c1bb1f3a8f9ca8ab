// npm run tidy [-- FILTER…]: clang-tidy with the profile in .clang-tidy over the C++ sources, or those whose path
// contains a filter. Not part of npm test: it takes minutes.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { nativeSources } from "./setup/native-sources.mjs";
import { output, root, say, seconds } from "./setup/step.mjs";

const database = path.join(root, "packages/core-native/build/cpu");
if (!existsSync(path.join(database, "compile_commands.json"))) {
  say("build the addon first: npm run setup");
  process.exit(1);
}
if (!output("clang-tidy", ["--version"])) {
  say("clang-tidy is missing: apt-get install clang-tidy");
  process.exit(1);
}
const known = new Set(
  JSON.parse(readFileSync(path.join(database, "compile_commands.json"), "utf8")).map(({ file }) => file),
);
const filters = process.argv.slice(2);
const files = nativeSources(/\.cc$/).filter(
  (file) => known.has(file) && (filters.length === 0 || filters.some((filter) => file.includes(filter))),
);
say(`clang-tidy: ${files.length} files`);

const started = performance.now();
const queue = [...files];
let faults = 0;
await Promise.all(Array.from({ length: availableParallelism() }, worker));
say(`clang-tidy: ${faults} of ${files.length} files with findings, ${seconds(started)}`);
process.exitCode = faults === 0 ? 0 : 1;

async function worker() {
  for (let file = queue.shift(); file; file = queue.shift()) {
    const { status, text } = await tidy(file);
    if (status === 0 && !text.includes("warning:")) continue;
    faults += 1;
    process.stdout.write(text);
  }
}

function tidy(file) {
  return new Promise((resolve) => {
    const child = spawn("clang-tidy", ["--quiet", "-p", database, file], { cwd: root });
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
    });
    child.on("close", (status) => resolve({ status, text }));
  });
}
