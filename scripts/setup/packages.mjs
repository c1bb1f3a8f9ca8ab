// node_modules, when it does not hold what the lock file says.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { root, run, step } from "./step.mjs";

const read = (file) => JSON.parse(readFileSync(path.join(root, file), "utf8")).packages;

function missing() {
  const installed = "node_modules/.package-lock.json";
  if (!existsSync(path.join(root, installed))) return "node_modules is not there";
  const have = read(installed);
  for (const [name, wanted] of Object.entries(read("package-lock.json"))) {
    // Packages for other systems are optional and rightly absent.
    if (name === "" || (wanted.optional && !have[name])) continue;
    if (name.startsWith("packages/")) continue;
    if (have[name]?.version !== wanted.version) return `${name} is not as package-lock.json says`;
  }
  return undefined;
}

/** Installs exactly what package-lock.json names. */
export function installPackages() {
  step("npm packages: npm ci, a minute or less", {
    missing,
    make: () => run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], { what: "npm ci" }),
  });
}
