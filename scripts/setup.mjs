// Everything between a fresh clone and a command that works. Run as it is, or through `npm test` and `npm run demo`:
//   node scripts/setup.mjs
// Needs Node and nothing from node_modules. Does what is missing, says what and how long, does nothing twice.
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beside } from "./setup/beside.mjs";
import { projectPython } from "./setup/python.mjs";
import { root, run, SetupError, say, seconds } from "./setup/step.mjs";
import { checkTools } from "./setup/tools.mjs";

/**
 * Prepares the clone and sets `SAEV_PYTHON` for the processes that follow.
 * @param compile also compile the TypeScript packages to dist/ (what the `saev` command runs).
 */
export async function setup({ compile = true } = {}) {
  const started = performance.now();
  checkTools();
  const packages = beside("packages.mjs", "installPackages");
  const python = beside("python.mjs", "preparePython");
  await packages;
  // Beside Python's packages, which come over the network, and beside the compiler, which is alone at its end.
  const typescript = compile ? beside("typescript.mjs", "buildTypeScript") : beside("page.mjs", "buildPage");
  await python;
  process.env.SAEV_PYTHON = projectPython();
  // Nothing that is built needs them.
  const extras = beside("python-extras.mjs", "preparePythonExtras");
  const addon = path.join(root, "packages/core-native/build/cpu/saev.node");
  if (!existsSync(addon)) say("set-up: the addon: compiling C++, a few minutes");
  // The compiler's own book-keeping knows what is out of date; with nothing to do this takes half a second.
  run(process.execPath, ["packages/core-native/scripts/build.mjs", "--flavour", "cpu"], {
    what: "the addon",
  });
  await typescript;
  await extras;
  say(`set-up: ready in ${seconds(started)}`);
}

/** Runs `setup` and ends the process with one message when the person at the keyboard has to do something. */
export async function setupOrExit(options) {
  try {
    await setup(options);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setupOrExit();
