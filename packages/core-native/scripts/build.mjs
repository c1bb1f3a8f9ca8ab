// Builds the addon and the C++ tests of one flavour into build/<flavour>/.
//   node scripts/build.mjs [--flavour cpu|cu126|cu128|cu130] [--libtorch FOLDER] [--jobs N]
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { resolveLibtorch } from "./libtorch.mjs";
import { flavourNames, flavours, isFlavour } from "./sources.mjs";
import { findToolkit } from "./toolkit.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    flavour: { type: "string", default: "cpu" },
    libtorch: { type: "string" },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});

try {
  await build(values.flavour);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

async function build(flavour) {
  if (!isFlavour(flavour))
    throw new Error(`flavour: expected ${flavourNames.join(", ")}, found '${flavour}'`);
  const started = performance.now();
  const { cuda, architectures } = flavours[flavour];
  const toolkit = cuda && findToolkit(cuda, flavour);
  const torch = await resolveLibtorch(flavour, { explicit: values.libtorch, log: console.log });
  const out = path.join(root, "build", flavour);
  mkdirSync(out, { recursive: true });
  cmake(out, {
    SAEV_FLAVOUR: flavour,
    SAEV_LIBTORCH: torch.folder,
    // A machine of continuous integration compiles each clone once: a cache would only cost.
    SAEV_CCACHE: process.env.CI ? "OFF" : "ON",
    ...(cuda && {
      SAEV_CUDA_TOOLKIT: toolkit,
      SAEV_CUDA_VERSION: cuda,
      SAEV_CUDA_ARCHITECTURES: architectures.join(";"),
    }),
  });
  describe(out, { flavour, torch: torch.version, cuda: cuda ?? null });
  const megabytes = (statSync(path.join(out, "saev.node")).size / 1e6).toFixed(1);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`build/${flavour}/saev.node: ${megabytes} MB in ${seconds} s`);
}

function cmake(out, definitions) {
  const cmakeJs = createRequire(import.meta.url).resolve("cmake-js/bin/cmake-js");
  const args = [
    "compile",
    "--directory",
    root,
    "--out",
    out,
    "--parallel",
    values.jobs,
    "--log-level",
    "warn",
  ];
  for (const [name, value] of Object.entries(definitions)) args.push(`--CD${name}=${value}`);
  const run = spawnSync(process.execPath, [cmakeJs, ...args], { stdio: "inherit", cwd: root });
  if (run.status !== 0) throw new Error("the addon does not build; the compiler's messages are above");
}

/** What the loader needs to know without loading the addon. Written after the addon: a failed build has none. */
function describe(out, description) {
  const file = path.join(out, "addon.json");
  const text = `${JSON.stringify(description)}\n`;
  try {
    if (readFileSync(file, "utf8") === text) return;
  } catch {
    // not there yet
  }
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}
