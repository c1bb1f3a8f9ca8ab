// npm run emulate [-- FILTER…]: the tests of the kernels and of the SAE step at level NEON, compiled for ARM and run in
// qemu, or those whose names contain a filter. Not part of npm test: it takes minutes. (qemu has no AVX-512.)
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import path from "node:path";
import { resolveLibtorch } from "../packages/core-native/scripts/libtorch.mjs";
import { output, root, run, SetupError, say, seconds } from "./setup/step.mjs";

const compiler = "aarch64-linux-gnu-g++";
const emulator = "qemu-aarch64";
const addon = path.join(root, "packages/core-native");
const folder = path.join(addon, "build/arm");

try {
  for (const [tool, from] of [
    [compiler, "g++-aarch64-linux-gnu"],
    [emulator, "qemu-user"],
    ["cmake", "cmake"],
  ]) {
    if (!output(tool, ["--version"])) throw new SetupError(`${tool} is missing: apt-get install ${from}`);
  }
  await build();
  process.exitCode = test(process.argv.slice(2)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}

async function build() {
  const started = performance.now();
  // Its headers alone are used.
  const { folder: libtorch } = await resolveLibtorch("cpu", { log: say });
  const definitions = {
    CMAKE_SYSTEM_NAME: "Linux",
    CMAKE_SYSTEM_PROCESSOR: "aarch64",
    CMAKE_C_COMPILER: "aarch64-linux-gnu-gcc",
    CMAKE_CXX_COMPILER: compiler,
    SAEV_LIBTORCH: libtorch,
    SAEV_KERNEL_TESTS: "ON",
  };
  const set = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`);
  run("cmake", ["-S", addon, "-B", folder, ...set]);
  run("cmake", ["--build", folder, "--parallel", String(availableParallelism())]);
  say(`built in ${seconds(started)}`);
}

/** One run for all cases, or one for each filter. @returns whether all passed. */
function test(filters) {
  const started = performance.now();
  const runs = filters.length > 0 ? filters.map((filter) => [filter]) : [[]];
  const passed = runs.filter(
    (filter) =>
      spawnSync(emulator, [path.join(folder, "saev_kernel_tests"), ...filter], { stdio: "inherit" })
        .status === 0,
  );
  say(`${seconds(started)} in ${emulator}`);
  return passed.length === runs.length;
}
