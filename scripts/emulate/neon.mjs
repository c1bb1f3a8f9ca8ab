// Level NEON: compiled for ARM, run in qemu's emulation of a program.
import { spawnSync } from "node:child_process";
import { buildKernelTests, needTools } from "./build.mjs";

const compiler = "aarch64-linux-gnu-g++";
const emulator = "qemu-aarch64";

/** One run for all cases, or one for each word. @returns whether all passed. */
export async function neon(words) {
  needTools({ [compiler]: "g++-aarch64-linux-gnu", [emulator]: "qemu-user" });
  const program = await buildKernelTests("arm", {
    CMAKE_SYSTEM_NAME: "Linux",
    CMAKE_SYSTEM_PROCESSOR: "aarch64",
    CMAKE_C_COMPILER: "aarch64-linux-gnu-gcc",
    CMAKE_CXX_COMPILER: compiler,
  });
  const runs = words.length > 0 ? words.map((word) => [word]) : [[]];
  const passed = runs.filter(
    (word) => spawnSync(emulator, [program, ...word], { stdio: "inherit" }).status === 0,
  );
  return passed.length === runs.length;
}
