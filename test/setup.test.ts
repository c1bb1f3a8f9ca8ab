import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-setup-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Set-up with nothing on the path but these programs, each a shell script that prints a version. */
function setupWith(name: string, versions: Record<string, string>) {
  const bin = path.join(folder, name);
  spawnSync("mkdir", [bin]);
  symlinkSync("/bin/sh", path.join(bin, "sh"));
  for (const [tool, version] of Object.entries(versions))
    writeFileSync(path.join(bin, tool), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
  const run = spawnSync(process.execPath, ["scripts/setup.mjs"], {
    cwd: root,
    env: { PATH: bin, HOME: folder },
    encoding: "utf8",
  });
  return { code: run.status, text: run.stderr };
}

describe("set-up", () => {
  it("names every missing tool and the packages that bring them, and stops", () => {
    const { code, text } = setupWith("nothing", {});
    expect(code).toBe(1);
    for (const tool of ["npm", "c++", "cmake", "make or ninja", "python3"]) expect(text).toContain(`${tool}`);
    expect(text).toMatch(/apt-get install npm g\+\+ cmake make python3 python3-venv$/m);
    expect(text).not.toMatch(/^\s+at /m);
  });

  it("names only what is missing or too old", () => {
    const { code, text } = setupWith("old", {
      npm: "10.8.2",
      "c++": "c++ (Debian 9.3.0-1) 9.3.0",
      cmake: "cmake version 3.16.3",
      make: "GNU Make 4.3",
      python3: "Python 3.11.7",
    });
    expect(code).toBe(1);
    expect(text).toMatch(/c\+\+ \(C\+\+20\) is 9\.3\.0; 11\.0 or newer is needed/);
    expect(text).toMatch(/cmake is 3\.16\.3; 3\.22 or newer is needed/);
    expect(text).toMatch(/apt-get install g\+\+ cmake$/m);
  });

  it("says what is missing in the Python that SAEV_PYTHON names", () => {
    const python = path.join(folder, "python");
    writeFileSync(python, "#!/bin/sh\necho \"['torch']\"\n", { mode: 0o755 });
    const run = spawnSync(process.execPath, ["scripts/setup.mjs"], {
      cwd: root,
      env: { ...process.env, SAEV_PYTHON: python },
      encoding: "utf8",
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain(`SAEV_PYTHON is ${python}, which lacks ['torch']`);
  });

  it("does nothing twice", { timeout: 180_000 }, () => {
    const run = spawnSync(process.execPath, ["scripts/setup.mjs"], { cwd: root, encoding: "utf8" });
    expect(run.status, run.stderr).toBe(0);
    expect(run.stderr).toMatch(/no work to do|up to date|Built target/);
    expect(run.stderr).not.toMatch(/npm ci|pip install/);
  });
});
