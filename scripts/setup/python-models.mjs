// transformers and timm for tests that compare models with theirs, in a folder of their own beside the project's Python.
// Nothing but those tests needs them: when they cannot be installed, the tests say that they are skipped.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { projectPython } from "./python.mjs";
import { output, root, run, say, step } from "./step.mjs";

const folder = path.join(root, ".cache", "python-models");
const stamp = path.join(folder, "installed.txt");
const requirements = path.join(root, "scripts", "requirements-models.txt");

/** What the folder was made from: some of the packages are compiled for one Python. */
const wanted = () => `${readFileSync(requirements, "utf8")}\n${output(projectPython(), ["--version"])}\n`;

function missing() {
  if (!existsSync(stamp)) return ".cache/python-models is not there";
  return readFileSync(stamp, "utf8") === wanted()
    ? undefined
    : "scripts/requirements-models.txt or Python changed";
}

function make() {
  rmSync(folder, { recursive: true, force: true });
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--quiet", "--no-deps"];
  try {
    run(projectPython(), [...pip, "--timeout", "10", "--target", folder, "-r", requirements], {
      what: "pip install",
    });
    writeFileSync(stamp, wanted());
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    say(`set-up: ${error.message}; comparisons with transformers and timm will be skipped`);
  }
}

/** Makes .cache/python-models, or says why it could not. */
export const preparePythonModels = () =>
  step("transformers and timm in .cache/python-models for tests: 30 MB to download", { missing, make });
