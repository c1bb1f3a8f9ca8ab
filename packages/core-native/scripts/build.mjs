// Builds the addon of one flavour into build/<flavour>/saev.node.
//   node scripts/build.mjs --flavour cpu
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const flavour = process.argv.includes("--flavour")
  ? process.argv[process.argv.indexOf("--flavour") + 1]
  : "cpu";
const libtorch = process.env.SAEV_LIBTORCH;
if (!libtorch || !existsSync(path.join(libtorch, "include"))) {
  console.error("set SAEV_LIBTORCH to the folder of an installed torch package");
  process.exit(1);
}
const out = path.join(root, "build", flavour);
mkdirSync(out, { recursive: true });
const require = createRequire(import.meta.url);
const cmakeJs = require.resolve("cmake-js/bin/cmake-js");
const args = [
  cmakeJs,
  "compile",
  "--directory",
  root,
  "--out",
  out,
  `--CDSAEV_FLAVOUR=${flavour}`,
  `--CDSAEV_LIBTORCH=${libtorch}`,
  "--parallel",
  "2",
];
const run = spawnSync(process.execPath, args, { stdio: "inherit", cwd: root });
process.exit(run.status ?? 1);
