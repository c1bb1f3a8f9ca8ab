import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

const isTypeScript = (url) => url.startsWith("file:") && /\.m?ts$/.test(new URL(url).pathname);

export async function resolve(specifier, context, next) {
  const withSource = { ...context, conditions: ["@saev/source", ...context.conditions] };
  if (context.parentURL && isTypeScript(context.parentURL) && /^\.{1,2}\/.*\.js$/.test(specifier)) {
    try {
      return await next(specifier.replace(/\.js$/, ".ts"), withSource);
    } catch (error) {
      if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    }
  }
  return next(specifier, withSource);
}

export async function load(url, context, next) {
  if (!isTypeScript(url)) return next(url, context);
  const file = fileURLToPath(url);
  const { code } = await transform(await readFile(file, "utf8"), {
    loader: "ts",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    sourcefile: file,
    // Class fields behave as TypeScript's target says (ES2023), whatever esbuild would guess.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: true, verbatimModuleSyntax: true } },
  });
  return { format: "module", source: code, shortCircuit: true };
}
