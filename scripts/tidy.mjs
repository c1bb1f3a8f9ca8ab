// npm run tidy [-- FILTER…]: clang-tidy with the profile in .clang-tidy over the C++ sources, or those whose path
// contains a filter. Not part of npm test: it takes minutes.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { nativeSources } from "./setup/native-sources.mjs";
import { output, root, say, seconds } from "./setup/step.mjs";

const native = path.join(root, "packages/core-native");
const cache = path.join(native, "build/cpu/CMakeCache.txt");
if (!existsSync(cache)) {
  say("build the addon first: npm run setup");
  process.exit(1);
}
// The addon may be compiled in batches of files; here each has its own command. Nothing is built.
const database = path.join(native, "build/tidy");
const wanted = /^((?:SAEV|CMAKE_JS)_\w+|CMAKE_(?:CXX|C)_FLAGS|CMAKE_BUILD_TYPE):\w+=(.*)$/gm;
const settings = [...readFileSync(cache, "utf8").matchAll(wanted)].map(
  ([, name, value]) => `-D${name}=${value}`,
);
if (output("cmake", ["-S", native, "-B", database, ...settings, "-DSAEV_UNITY=OFF"]) === undefined) {
  say(`cmake does not configure ${database}`);
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
