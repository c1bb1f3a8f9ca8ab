// Python packages that only some tests need, each set in a folder of its own beside the project's Python. When one
// cannot be installed, its tests say that they are skipped.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { projectPython } from "./python.mjs";
import { output, root, run, say, step } from "./step.mjs";

/**
 * Makes .cache/NAME from scripts/requirements-….txt, or says why it could not.
 * @param what for the message, e.g. "scipy and pyarrow"; `size` of the download; `skipped` what is not tested then.
 */
export function preparePythonFolder({ name, requirements, what, size, skipped }) {
  const folder = path.join(root, ".cache", name);
  const stamp = path.join(folder, "installed.txt");
  const list = path.join(root, "scripts", requirements);
  // Some of the packages are compiled for one Python.
  const wanted = () => `${readFileSync(list, "utf8")}\n${output(projectPython(), ["--version"])}\n`;
  const missing = () => {
    if (!existsSync(stamp)) return `.cache/${name} is not there`;
    return readFileSync(stamp, "utf8") === wanted() ? undefined : `scripts/${requirements} or Python changed`;
  };
  const make = () => {
    rmSync(folder, { recursive: true, force: true });
    const pip = [
      "-m",
      "pip",
      "install",
      "--disable-pip-version-check",
      "--no-compile",
      "--quiet",
      "--no-deps",
    ];
    try {
      run(projectPython(), [...pip, "--timeout", "10", "--target", folder, "-r", list], {
        what: "pip install",
      });
      writeFileSync(stamp, wanted());
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      say(`set-up: ${error.message}; ${skipped} will be skipped`);
    }
  };
  step(`${what} in .cache/${name} for tests: ${size} to download`, { missing, make });
}
