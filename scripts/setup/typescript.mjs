// What is made of the TypeScript sources: dist/ of the packages and the explorer's page. It needs npm's packages only.
import { buildPage } from "./page.mjs";
import { run } from "./step.mjs";

/** Compiles the packages (what the `saev` command runs) to dist/, and bundles the explorer's page. */
export function buildTypeScript() {
  run(process.execPath, ["node_modules/typescript/bin/tsc", "-b"], { what: "TypeScript" });
  buildPage();
}
