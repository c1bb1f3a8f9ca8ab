import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

/** Pythons to ask, most specific first: `SAEV_PYTHON`, an active environment, what is on the path. */
export function pythons(): string[] {
  const { SAEV_PYTHON, VIRTUAL_ENV, CONDA_PREFIX } = process.env;
  if (SAEV_PYTHON) return [SAEV_PYTHON];
  const environments = [VIRTUAL_ENV, CONDA_PREFIX]
    .filter((folder) => folder !== undefined)
    .map((folder) => path.join(folder, "bin", "python"))
    .filter((file) => existsSync(file));
  return [...new Set([...environments, "python3"])];
}

/** Where this Python's `torch` package lies, without importing it (that takes seconds). Undefined if it has none. */
export function pythonTorch(python: string): string | undefined {
  const ask =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')";
  const run = spawnSync(python, ["-c", ask], { encoding: "utf8", timeout: 20_000 });
  const origin = run.status === 0 ? run.stdout.trim() : "";
  return origin ? path.dirname(origin) : undefined;
}
