// Finds the CUDA toolkit of one version: the compiler must be that of the libtorch that the addon links.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

/** Folder of the CUDA toolkit `version` ("13.0"). Throws one line that says what was found and what to install. */
export function findToolkit(version, flavour) {
  const { CUDA_HOME, CUDA_PATH } = process.env;
  const onPath = (process.env.PATH ?? "").split(path.delimiter).map((folder) => path.dirname(folder));
  const folders = [CUDA_HOME, CUDA_PATH, `/usr/local/cuda-${version}`, "/usr/local/cuda", ...onPath];
  const seen = new Map();
  for (const folder of folders) {
    const nvcc = folder && path.join(folder, "bin", "nvcc");
    if (!nvcc || !existsSync(nvcc) || seen.has(nvcc)) continue;
    const said = spawnSync(nvcc, ["--version"], { encoding: "utf8" }).stdout ?? "";
    const found = /release (\d+\.\d+)/.exec(said)?.[1] ?? "unknown";
    if (found === version) return folder;
    seen.set(nvcc, found);
  }
  const others = [...seen].map(([nvcc, found]) => `${nvcc} is ${found}`).join(", ") || "no nvcc at all";
  throw new Error(
    `${flavour} needs the CUDA toolkit ${version}; found ${others}. ` +
      `Install cuda-toolkit-${version.replace(".", "-")} from NVIDIA, or set CUDA_HOME to where it is`,
  );
}
