import { spawnSync } from "node:child_process";

/** Whether `python` runs and has all of these modules. They are found and not imported: torch takes seconds. */
export function hasModules(python: string, names: readonly string[]): boolean {
  const script = "import importlib.util as u, sys; assert all(u.find_spec(name) for name in sys.argv[1:])";
  return spawnSync(python, ["-c", script, ...names]).status === 0;
}
