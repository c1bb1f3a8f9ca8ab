/**
 * npm run docs [-- --serve]
 *
 * Makes the documentation's site in build/docs: the pages of docs/, a reference of every command and flag from the same tables
 * as `saev COMMAND --help`, and of every export of the three packages from their doc comments. What is generated lies in
 * docs/reference, which git ignores. `--serve` shows the site on this machine and follows changes of pages.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Application } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import { build, createServer } from "vitepress";
import { commandPages } from "./command-pages.js";
import { loadedFromElsewhere } from "./offline.js";

const root = path.resolve(import.meta.dirname, "../..");
const docs = path.join(root, "docs");
const reference = path.join(docs, "reference");

/** Pages of `saev COMMAND`, and the index of all of them. */
async function writeCommands(): Promise<void> {
  const commands = path.join(reference, "commands");
  mkdirSync(commands, { recursive: true });
  const pages = await commandPages();
  for (const { name, text } of pages) writeFileSync(path.join(commands, `${name}.md`), text);
  const rows = pages.map(({ name, summary }) => `| [saev ${name}](commands/${name}.md) | ${summary} |`);
  const index = ["# Commands and flags", ["| command | does |", "| --- | --- |", ...rows].join("\n")];
  writeFileSync(path.join(reference, "index.md"), `${index.join("\n\n")}\n`);
}

/** READMEs of the packages, to which pages link. */
function writeReadmes(): void {
  for (const name of ["config", "core-native", "visuals", "cli"]) {
    const folder = path.join(reference, "packages", name);
    mkdirSync(folder, { recursive: true });
    cpSync(path.join(root, "packages", name, "README.md"), path.join(folder, "README.md"));
  }
}

/** The API's pages. Doc comments that cannot be understood are errors. */
async function writeApi(): Promise<void> {
  const options = {
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: ["config", "core-native", "visuals"].map((name) => `packages/${name}/src/index.ts`),
    tsconfig: path.join(root, "tsconfig.test.json"),
    // Types are checked by `npm test`.
    skipErrorChecking: true,
    readme: "none",
    excludeInternal: true,
    excludePrivate: true,
    disableSources: true,
    logLevel: "Error",
    entryFileName: "index",
    hideBreadcrumbs: true,
    hidePageHeader: true,
    out: path.join(reference, "api"),
  } satisfies Partial<PluginOptions> & Record<string, unknown>;
  const app = await Application.bootstrapWithPlugins(options as never);
  const project = await app.convert();
  if (project === undefined) throw new Error("TypeDoc could not read the packages' sources");
  await app.generateOutputs(project);
}

process.chdir(root);
rmSync(reference, { recursive: true, force: true });
await writeCommands();
writeReadmes();
await writeApi();
if (process.argv.includes("--serve")) {
  const server = await createServer(docs);
  await server.listen();
  server.printUrls();
} else {
  await build(docs);
  const elsewhere = loadedFromElsewhere(path.join(root, "build/docs"));
  if (elsewhere.length > 0)
    throw new Error(`the site must load nothing from elsewhere:\n${elsewhere.join("\n")}`);
  console.log("open build/docs/index.html through any web server, e.g. npm run docs -- --serve");
}
