// Prints what decides, beside the sources, what a build gives: a cached addon of another compiler, libtorch or
// toolkit must not be taken for ours. Run path and libtorch folder are part of the addon, so they count.
import { spawnSync } from "node:child_process";
import { findLibtorch, flavourNames, flavours } from "./sources.mjs";
import { findToolkit } from "./toolkit.mjs";

const firstLine = (command, args) =>
  spawnSync(command, args, { encoding: "utf8" }).stdout?.split("\n")[0] ?? "none";

console.log(process.platform, process.arch, firstLine(process.env.CXX ?? "c++", ["--version"]));
for (const flavour of flavourNames) {
  const { found } = findLibtorch(flavour);
  let toolkit = "none";
  try {
    if (flavours[flavour].cuda) toolkit = findToolkit(flavours[flavour].cuda, flavour);
  } catch {
    // said when the flavour is built
  }
  console.log(flavour, found ? `${found.version} ${found.folder}` : "none", toolkit);
}
