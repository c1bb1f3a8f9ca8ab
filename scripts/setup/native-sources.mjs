// The C++ sources, and the tools that look at them.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { projectPython } from "./python.mjs";
import { root } from "./step.mjs";

/** Every C++ and CUDA file, absolute. */
export function nativeSources(pattern = /\.(cc|h|cu|cuh)$/) {
  const folder = path.join(root, "packages/core-native/native");
  return readdirSync(folder, { recursive: true })
    .filter((file) => pattern.test(file))
    .map((file) => path.join(folder, file));
}

/** The clang-format of the project's Python environment: another version formats differently. */
export function clangFormat() {
  const beside = path.join(path.dirname(projectPython()), "clang-format");
  return existsSync(beside) ? beside : "clang-format";
}
