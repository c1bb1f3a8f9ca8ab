// The program of the kernels' tests, static and without libtorch (cmake/KernelTests.cmake).
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { resolveLibtorch } from "../../packages/core-native/scripts/libtorch.mjs";
import { output, root, run, SetupError, say, seconds } from "../setup/step.mjs";

const addon = path.join(root, "packages/core-native");

/** Builds it in `build/<name>` of the addon, with further definitions for CMake. @returns its path. */
export async function buildKernelTests(name, definitions = {}) {
  const started = performance.now();
  needTools({ cmake: "cmake" });
  const folder = path.join(addon, "build", name);
  // Its headers alone are used.
  const { folder: libtorch } = await resolveLibtorch("cpu", { log: say });
  const all = { SAEV_LIBTORCH: libtorch, SAEV_KERNEL_TESTS: "ON", ...definitions };
  const set = Object.entries(all).map(([key, value]) => `-D${key}=${value}`);
  run("cmake", ["-S", addon, "-B", folder, ...set]);
  run("cmake", ["--build", folder, "--parallel", String(availableParallelism())]);
  say(`built in ${seconds(started)}`);
  return path.join(folder, "saev_kernel_tests");
}

/** Throws SetupError unless all commands are there. @param tools each with the Debian package it comes from. */
export function needTools(tools) {
  for (const [tool, from] of Object.entries(tools)) {
    if (!output(tool, ["--version"])) throw new SetupError(`${tool} is missing: apt-get install ${from}`);
  }
}

/** The first of these files that exists; throws SetupError when none does. */
export function needFile(candidates, from) {
  const found = candidates.find((file) => existsSync(file));
  if (!found) throw new SetupError(`${candidates.at(-1)} is missing: ${from}`);
  return found;
}
