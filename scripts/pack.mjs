// Packs what is published: the four packages, and one platform package for each flavour's binary.
//   node scripts/pack.mjs [--out DIR] [--flavours cpu,cu130] [--also linux-arm64-cpu,…]
// Default: every flavour that is built in this checkout. `--also` names platform packages packed on other machines, so
// that @saev/core lists them among its optional dependencies. Prints one tarball a line.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { stageFlavour } from "./pack/flavour.mjs";
import { stagePackage } from "./pack/package.mjs";
import { root, run, SetupError, say } from "./setup/step.mjs";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "dist" },
    flavours: { type: "string" },
    also: { type: "string", default: "" },
  },
});

const list = (text) => text.split(",").filter(Boolean);
const out = path.resolve(values.out);
const stage = mkdtempSync(path.join(tmpdir(), "saev-pack-"));
try {
  pack();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function pack() {
  const built = ["cpu", "cu126", "cu128", "cu130"].filter((flavour) =>
    existsSync(path.join(root, "packages/core-native/build", flavour, "saev.node")),
  );
  const flavours = values.flavours ? list(values.flavours) : built;
  if (flavours.length === 0) throw new SetupError("no flavour is built: npx nx run core-native:build:cpu");
  run(process.execPath, ["node_modules/typescript/bin/tsc", "-b"], { what: "TypeScript" });
  mkdirSync(out, { recursive: true });
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const platforms = flavours.map((flavour) => stageFlavour(flavour, version, stage));
  const optional = [...platforms.map(({ name }) => name), ...list(values.also).map((p) => `@saev/core-${p}`)];
  const optionalDependencies = Object.fromEntries(optional.sort().map((name) => [name, version]));
  const folders = [
    ...platforms.map(({ folder }) => folder),
    stagePackage("config", stage),
    stagePackage("core-native", stage, { optionalDependencies }),
    stagePackage("visuals", stage),
    stagePackage("cli", stage),
  ];
  for (const folder of folders) console.log(tarball(folder));
}

function tarball(folder) {
  const args = ["pack", "--json", "--pack-destination", out, "--ignore-scripts"];
  const { status, stdout, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new SetupError(`npm pack failed in ${folder}: ${stderr.trim()}`);
  const answer = JSON.parse(stdout);
  // An array before npm 12, an object by package name since.
  const [packed] = Array.isArray(answer) ? answer : Object.values(answer);
  return path.join(out, packed.filename);
}
