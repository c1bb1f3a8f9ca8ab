// The explorer's page, when its sources are newer than what was built of them.
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { root, run, step } from "./step.mjs";

const built = path.join(root, "packages/visuals/dist/page/index.html");
const sources = ["packages/visuals/page", "packages/visuals/src/explorer/api.ts", "package-lock.json"];

const newest = (file) =>
  statSync(file).isDirectory()
    ? Math.max(...readdirSync(file).map((name) => newest(path.join(file, name))))
    : statSync(file).mtimeMs;

function missing() {
  if (!existsSync(built)) return "it is not built";
  const at = statSync(built).mtimeMs;
  return sources.some((source) => newest(path.join(root, source)) > at) ? "its sources changed" : undefined;
}

/** Bundles packages/visuals/page into packages/visuals/dist/page. */
export function buildPage() {
  step("the explorer's page", {
    missing,
    make: () =>
      run(
        process.execPath,
        ["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "packages/visuals/page"],
        {
          what: "the explorer's page",
        },
      ),
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) buildPage();
