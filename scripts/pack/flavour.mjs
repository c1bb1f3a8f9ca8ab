// One flavour's binary as an optional package of this platform. Without symbols and without a run path: libtorch is
// found when the addon is loaded.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, run } from "../setup/step.mjs";

/** Builds the flavour, installs it under `stage` and gives the package's name and folder. */
export function stageFlavour(flavour, version, stage) {
  const core = path.join(root, "packages/core-native");
  const build = path.join(core, "build", flavour);
  run(process.execPath, [path.join(core, "scripts/build.mjs"), "--flavour", flavour], {
    what: `building ${flavour}`,
  });
  const platform = `${process.platform}-${process.arch}`;
  const name = `@saev/core-${platform}-${flavour}`;
  const folder = path.join(stage, `core-${platform}-${flavour}`);
  mkdirSync(folder);
  run("cmake", ["--install", build, "--component", "addon", "--strip", "--prefix", folder], {
    what: `installing ${flavour}`,
  });
  cpSync(path.join(build, "addon.json"), path.join(folder, "addon.json"));
  cpSync(path.join(root, "LICENSE"), path.join(folder, "LICENSE"));
  const { torch, cuda } = JSON.parse(readFileSync(path.join(build, "addon.json"), "utf8"));
  const what = cuda ? `CUDA ${cuda}` : "CPU";
  const manifest = {
    name,
    version,
    description: `The native addon of @saev/core for ${platform}, ${what}`,
    license: "MIT",
    os: [process.platform],
    cpu: [process.arch],
    ...(process.platform === "linux" && { libc: ["glibc"] }),
    files: ["saev.node", "addon.json"],
  };
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(
    path.join(folder, "README.md"),
    `# ${name}\n\nThe native addon of @saev/core for ${platform}, ${what}, ` +
      `compiled with libtorch ${torch}.\nInstalled with @saev/core; nothing here is used by itself.\n` +
      "libtorch is not inside: `saev setup` fetches it, or set `SAEV_LIBTORCH`.\n",
  );
  return { name, folder };
}
