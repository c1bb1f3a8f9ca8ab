// What must be on the machine before anything can be built. Each tool names the Debian package that brings it.
import { output, SetupError } from "./step.mjs";

const versionIn = (text) => /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text ?? "")?.[0];

function atLeast(version, wanted) {
  const found = version.split(".").map(Number);
  for (const [i, part] of wanted.split(".").map(Number).entries()) {
    if ((found[i] ?? 0) !== part) return (found[i] ?? 0) > part;
  }
  return true;
}

/** The Python that sets up the project's environment. */
export const systemPython = process.env.PYTHON ?? "python3";

function compiler() {
  const command = process.env.CXX ?? "c++";
  const text = output(command, ["--version"]);
  if (!text) return { command, version: undefined };
  // "c++ (Debian 12.2.0-14) 12.2.0" and "Apple clang version 16.0.0": the version is the last of its line.
  const line = text.split("\n")[0];
  return { command, version: versionIn(line.replace(/\([^)]*\)/g, "")), clang: /clang/i.test(line) };
}

/** All problems at once: `{ tool, problem, packages }`. Packages are Debian's. */
export function toolProblems() {
  const problems = [];
  const need = (tool, version, wanted, packages) => {
    if (!version) problems.push({ tool, problem: "is missing", packages });
    else if (!atLeast(version, wanted))
      problems.push({ tool, problem: `is ${version}; ${wanted} or newer is needed`, packages });
  };
  need("node", process.versions.node, "20.19", ["nodejs"]);
  need("npm", process.env.npm_config_user_agent ? "10.0" : versionIn(output("npm", ["--version"])), "9.0", [
    "npm",
  ]);
  const cxx = compiler();
  need(`${cxx.command} (C++20)`, cxx.version, cxx.clang ? "14.0" : "11.0", ["g++"]);
  need("cmake", versionIn(output("cmake", ["--version"])), "3.22", ["cmake"]);
  if (!output("ninja", ["--version"]) && !output("make", ["--version"]))
    problems.push({ tool: "make or ninja", problem: "is missing", packages: ["make"] });
  if (!process.env.SAEV_PYTHON) {
    const python = versionIn(output(systemPython, ["--version"]));
    need(systemPython, python, "3.11", ["python3", "python3-venv"]);
    if (python && output(systemPython, ["-c", "import venv, ensurepip"]) === undefined)
      problems.push({
        tool: `${systemPython} -m venv`,
        problem: "does not work",
        packages: ["python3-venv"],
      });
  }
  return problems;
}

/** Throws one message that names every missing tool and the command that installs them. */
export function checkTools() {
  const problems = toolProblems();
  if (problems.length === 0) return;
  const packages = [...new Set(problems.flatMap((p) => p.packages))];
  const lines = problems.map(({ tool, problem }) => `  ${tool} ${problem}`);
  throw new SetupError(
    `these tools are needed first:\n${lines.join("\n")}\nOn Debian and Ubuntu: apt-get install ${packages.join(" ")}`,
  );
}
