import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { threadId } from "node:worker_threads";

const root = path.resolve(import.meta.dirname, "../..");
/** What esbuild made of each file, under a hash of its path: most processes that run from source find all of theirs here. */
const cache = path.join(root, ".cache/source");
const options = {
  loader: "ts",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  // Class fields behave as TypeScript's target says (ES2023), whatever esbuild would guess.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: true, verbatimModuleSyntax: true } },
};
const { version } = JSON.parse(readFileSync(path.join(root, "node_modules/esbuild/package.json"), "utf8"));
const how = `${version} ${JSON.stringify(options)}`;

const sha1 = (...texts) => texts.reduce((hash, text) => hash.update(text), createHash("sha1")).digest("hex");
const isTypeScript = (url) => url.startsWith("file:") && /\.m?ts$/.test(new URL(url).pathname);

export async function resolve(specifier, context, next) {
  if (context.parentURL && isTypeScript(context.parentURL) && /^\.{1,2}\/.*\.js$/.test(specifier)) {
    const file = fileURLToPath(new URL(specifier.replace(/\.js$/, ".ts"), context.parentURL));
    if (existsSync(file)) return { url: pathToFileURL(file).href, format: "module", shortCircuit: true };
  }
  return next(specifier, { ...context, conditions: ["@saev/source", ...context.conditions] });
}

export async function load(url, context, next) {
  if (!isTypeScript(url)) return next(url, context);
  return { format: "module", source: await javaScriptOf(fileURLToPath(url)), shortCircuit: true };
}

async function javaScriptOf(file) {
  const text = readFileSync(file, "utf8");
  const entry = path.join(cache, `${sha1(file)}.js`);
  // The entry begins with the hash of all that it was made of.
  const made = sha1(how, text);
  try {
    const kept = readFileSync(entry, "utf8");
    if (kept.startsWith(made)) return kept.slice(made.length);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const { transform } = await import("esbuild");
  const { code } = await transform(text, { ...options, sourcefile: file });
  keep(entry, made + code);
  return code;
}

function keep(entry, text) {
  // Other processes write the same one: each its own file, renamed when it is whole.
  const temporary = `${entry}.${process.pid}-${threadId}`;
  try {
    mkdirSync(cache, { recursive: true });
    writeFileSync(temporary, text);
    renameSync(temporary, entry);
  } catch {
    // A full disk or a folder that cannot be written: the next process asks esbuild again.
    rmSync(temporary, { force: true });
  }
}
