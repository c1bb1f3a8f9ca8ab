// The project's own Python environment. SAEV_PYTHON names another one, which must hold the same packages.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { output, root, run, SetupError, say, step } from "./step.mjs";
import { systemPython } from "./tools.mjs";

const folder = path.join(root, ".cache", "python");
const stamp = path.join(folder, "installed.txt");
const requirements = path.join(root, "scripts", "requirements.txt");

/** The Python of tests, benchmarks and libtorch. */
export const projectPython = () => process.env.SAEV_PYTHON ?? path.join(folder, "bin", "python");

function missing() {
  if (!existsSync(stamp)) return ".cache/python is not there";
  if (readFileSync(stamp, "utf8") !== readFileSync(requirements, "utf8"))
    return "scripts/requirements.txt changed";
  return output(projectPython(), ["--version"]) ? undefined : "its Python does not run";
}

function make() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run(systemPython, ["-m", "venv", folder], { what: "creating the Python environment" });
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-compile", "--quiet"];
  const wanted = ["-r", requirements];
  try {
    // An index that does not answer then costs ten seconds and not many minutes.
    run(projectPython(), [...pip, "--retries", "0", "--timeout", "10", ...wanted], { what: "pip install" });
  } catch {
    say("set-up: once more, with pip's own patience");
    run(projectPython(), [...pip, ...wanted], { what: "pip install" });
  }
  writeFileSync(stamp, readFileSync(requirements));
}

/** Makes .cache/python, or checks that SAEV_PYTHON holds what is needed. */
export function preparePython() {
  if (!process.env.SAEV_PYTHON) {
    step("Python environment in .cache/python: torch and friends, 0.2 GB or more to download", {
      missing,
      make,
    });
    return;
  }
  const ask =
    "import importlib.util as u; print([m for m in ('torch', 'numpy', 'PIL', 'matplotlib', 'huggingface_hub') if not u.find_spec(m)])";
  const absent = output(projectPython(), ["-c", ask]);
  if (absent !== "[]")
    throw new SetupError(
      `SAEV_PYTHON is ${projectPython()}, which ${absent ? `lacks ${absent}` : "does not run"}; ` +
        "install scripts/requirements.txt into it, or unset SAEV_PYTHON",
    );
}
