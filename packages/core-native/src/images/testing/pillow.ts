import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { hasModules } from "../../io/python-modules.test-util.js";

const python = process.env.SAEV_PYTHON ?? "python3";

/** Whether Python with Pillow and numpy is here; tests against them are skipped where it is not. */
export const hasPillow = hasModules(python, ["PIL", "numpy"]);
if (!hasPillow)
  console.warn("no Python with Pillow and numpy (set SAEV_PYTHON): tests against Pillow are skipped");

/** Runs `script` beside this file on a new folder and returns the folder. */
export function runPillow(script: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "saev-pillow-"));
  execFileSync(python, ["-W", "ignore", path.join(import.meta.dirname, script), folder], {
    stdio: "inherit",
  });
  return folder;
}
