import { spawnSync } from "node:child_process";
import { hasModules } from "./python-modules.test-util.js";

/** A Python with torch: `$SAEV_PYTHON`, else python3. Undefined when there is none; tests then skip and say so. */
export const python: string | undefined = [process.env.SAEV_PYTHON, "python3"].find(
  (candidate) => candidate && hasModules(candidate, ["torch", "numpy"]),
);
if (python === undefined) console.warn("skipping what needs Python: no $SAEV_PYTHON or python3 with torch");

/** Runs a Python program and gives its output. */
export function runPython(program: string, ...args: string[]): string {
  const run = spawnSync(python as string, ["-c", program, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout;
}
