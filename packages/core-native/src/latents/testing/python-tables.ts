import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

const repository = path.resolve(import.meta.dirname, "../../../../..");
/** Where set-up puts scipy and pyarrow (scripts/requirements-tables.txt). */
const packages = path.join(repository, ".cache/python-tables");
const env = { ...process.env, PYTHONPATH: packages };
const python = process.env.SAEV_PYTHON ?? path.join(repository, ".cache/python/bin/python");

/** Whether Python with NumPy, scipy and pyarrow is here; what reads with them is skipped where it is not. */
export const hasPythonTables =
  existsSync(path.join(packages, "scipy")) &&
  spawnSync(python, ["-c", "import numpy, scipy.sparse, pyarrow.parquet"], { env }).status === 0;
if (!hasPythonTables)
  console.warn("no scipy and pyarrow (node scripts/setup.mjs installs them): reading with them is skipped");

/** Runs a script with arguments and returns what it prints as JSON. @throws Error with what Python said. */
export function runPython(script: string, ...args: readonly string[]): unknown {
  const run = spawnSync(python, ["-c", script, ...args], { env, encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout);
}
