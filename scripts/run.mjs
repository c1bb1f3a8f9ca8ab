// node scripts/run.mjs FILE.ts [ARGUMENT…]
// Sets up what is missing, then runs a TypeScript program of the repository from source.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { root } from "./setup/step.mjs";
import { setupOrExit } from "./setup.mjs";

const [file, ...args] = process.argv.slice(2);
await setupOrExit();
// What is measured looks no more whether dist/ is up to date, and compiles nothing.
process.env.SAEV_COMPILED = "1";
const register = path.join(root, "scripts/source/register.mjs");
const { status } = spawnSync(process.execPath, ["--import", register, path.join(root, file), ...args], {
  stdio: "inherit",
});
process.exit(status ?? 1);
