// One workspace package as it is published: compiled code and declarations, no sources, no maps of sources, no tests.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, SetupError } from "../setup/step.mjs";

const leftOut = /(\/testing$|\.map|\.tsbuildinfo|\.test\.(js|d\.ts))$/;

/** Copies the package to `stage` and gives the folder. `additions` go into its manifest. */
export function stagePackage(name, stage, additions = {}) {
  const from = path.join(root, "packages", name);
  const folder = path.join(stage, name);
  mkdirSync(folder);
  const manifest = JSON.parse(readFileSync(path.join(from, "package.json"), "utf8"));
  for (const entry of manifest.files) {
    cpSync(path.join(from, entry), path.join(folder, entry), {
      recursive: true,
      filter: (file) => !leftOut.test(file) && hasSource(from, file),
    });
  }
  for (const file of readdirSync(folder, { recursive: true })) withoutMapComment(path.join(folder, file));
  writeFileSync(
    path.join(folder, "package.json"),
    `${JSON.stringify(published(manifest, additions), null, 2)}\n`,
  );
  addText(from, folder);
  return folder;
}

/** Whether a compiled file still has its source: dist/ may hold what was renamed or deleted since. */
function hasSource(from, file) {
  const compiled = /^dist\/(.+?)(\.d\.ts|\.js)$/.exec(path.relative(from, file));
  return !compiled || existsSync(path.join(from, "src", `${compiled[1]}.ts`));
}

/** LICENSE of the repository and the package's own README: npm shows it. */
export function addText(from, folder) {
  cpSync(path.join(root, "LICENSE"), path.join(folder, "LICENSE"));
  cpSync(path.join(from, "README.md"), path.join(folder, "README.md"));
}

function published(manifest, additions) {
  const { devDependencies: _, binary: __, scripts, exports, ...rest } = manifest;
  const onInstall = Object.keys(scripts ?? {}).filter((name) => /^(pre|post)?install$|^prepare$/.test(name));
  if (onInstall.length > 0) throw new SetupError(`${manifest.name} runs ${onInstall} where it is installed`);
  for (const conditions of Object.values(exports ?? {})) delete conditions["@saev/source"];
  return { ...rest, exports, ...additions };
}

function withoutMapComment(file) {
  if (!/\.(js|d\.ts)$/.test(file) || !statSync(file).isFile()) return;
  const text = readFileSync(file, "utf8");
  const cut = text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
  if (cut !== text) writeFileSync(file, cut);
}
