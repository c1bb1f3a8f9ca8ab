// node --import ./scripts/source/register.mjs FILE.ts
//
// Runs the repository's TypeScript as it lies there: workspace packages resolve to their sources (condition
// `@saev/source`), `./x.js` finds `./x.ts`, esbuild strips the types. Worker threads and forked processes that
// inherit execArgv run from source too.
import { register } from "node:module";

register("./hooks.mjs", import.meta.url);
process.setSourceMapsEnabled(true);
