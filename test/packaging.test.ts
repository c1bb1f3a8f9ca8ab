import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
let folder: string;
let tarballs: string[];

/** An environment without anything that points into this checkout, but for the Python whose torch is libtorch. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, SAEV_PYTHON, LANG } = process.env;
  const npm = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(npm_config_|NODE_EXTRA)/i.test(name)),
  );
  return { ...npm, PATH, HOME, LANG, ...(SAEV_PYTHON && { SAEV_PYTHON }) };
}

function inFolder(command: string, args: readonly string[], timeout = 60_000) {
  const run = spawnSync(command, args, { cwd: folder, env: cleanEnvironment(), encoding: "utf8", timeout });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

const contents = (tarball: string): string[] =>
  execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");

const manifest = (tarball: string): Record<string, unknown> =>
  JSON.parse(execFileSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" }));

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-installed-"));
  const out = mkdtempSync(path.join(tmpdir(), "saev-tarballs-"));
  const printed = execFileSync(
    process.execPath,
    [path.join(root, "scripts/pack.mjs"), "--out", out, "--flavours", "cpu"],
    { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
  );
  tarballs = printed.split("\n").filter((line) => line.endsWith(".tgz"));
  writeFileSync(path.join(folder, "package.json"), '{ "name": "user", "private": true, "type": "module" }\n');
  const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs];
  const { code, err } = inFolder("npm", args, 240_000);
  if (code !== 0) throw new Error(`npm install: ${err}`);
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (tarballs?.[0]) rmSync(path.dirname(tarballs[0]), { recursive: true, force: true });
});

describe("the published packages", () => {
  it("hold compiled code, a licence and a README, and nothing else", () => {
    expect(tarballs).toHaveLength(5);
    for (const tarball of tarballs) {
      const files = contents(tarball).map((file) => file.replace(/^package\//, ""));
      expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
      const strangers = files.filter(
        (file) =>
          (/\.ts$/.test(file) && !/\.d\.ts$/.test(file)) ||
          /\.(map|tsbuildinfo|cc|h|cu)$|\.test\.|(^|\/)(test|tests|examples|fixtures|native)\/.*\.(cc|png|jpe?g)$/.test(
            file,
          ),
      );
      expect(strangers).toEqual([]);
    }
  });

  it("run nothing when they are installed and name their platform binaries as optional", () => {
    for (const tarball of tarballs) {
      const { scripts, devDependencies, exports } = manifest(tarball);
      expect(scripts).toBeUndefined();
      expect(devDependencies).toBeUndefined();
      expect(JSON.stringify(exports ?? {})).not.toContain("@saev/source");
    }
    const core = manifest(tarballs.find((file) => /saev-core-\d/.test(file))!);
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    const platform = `@saev/core-${process.platform}-${process.arch}-cpu`;
    expect(core.optionalDependencies).toEqual({ [platform]: version });
  });

  it("carry a binary without a path of this machine", () => {
    const file = path.join(
      folder,
      `node_modules/@saev/core-${process.platform}-${process.arch}-cpu/saev.node`,
    );
    const text = readFileSync(file).toString("latin1");
    expect(text).not.toContain(root);
    for (const home of [process.env.HOME, process.env.SAEV_LIBTORCH].filter((f) => f && f.length > 1))
      expect(text).not.toContain(`${home}/`);
  });

  it("load in a program that imports @saev/core", () => {
    writeFileSync(
      path.join(folder, "program.js"),
      `import { systemInfo, Tensor } from "@saev/core";
       const t = Tensor.from(new Float32Array([1, 2, 3, 4]), [2, 2]);
       console.log(systemInfo().flavour, t.narrow(0, 1, 1).toFloat32Array().join(" "));`,
    );
    expect(inFolder(process.execPath, ["program.js"])).toEqual({ code: 0, out: "cpu 3 4\n", err: "" });
    expect(existsSync(path.join(folder, "node_modules/cmake-js"))).toBe(false);
  });

  it("bring the saev command", () => {
    const saev = path.join(folder, "node_modules/.bin/saev");
    const { code, out, err } = inFolder(saev, ["--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const command of ["activations", "train", "visuals", "info", "doctor", "setup"])
      expect(out).toContain(command);
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    expect(inFolder(saev, ["--version"]).out).toContain(version);
  });

  it("find this machine fit through saev doctor", () => {
    const { code, out } = inFolder(path.join(folder, "node_modules/.bin/saev"), ["doctor", "--json"]);
    const report = JSON.parse(out) as {
      ok: boolean;
      items: { name: string; status: string; detail: string }[];
    };
    expect(report.items.filter(({ status }) => status === "fail")).toEqual([]);
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    const addon = report.items.find(({ name }) => name === "addon");
    expect(addon?.detail).toContain(`core-${process.platform}-${process.arch}-cpu`);
  });

  it("say what to do where there is no libtorch", () => {
    const program = `import("@saev/core").then(({ systemInfo }) => systemInfo()).catch((e) => console.log(e.message))`;
    const run = spawnSync(process.execPath, ["-e", program], {
      cwd: folder,
      env: { PATH: folder, HOME: folder, SAEV_PYTHON: "/nowhere/python" },
      encoding: "utf8",
    });
    expect(run.stdout).toMatch(/no libtorch for it/);
    expect(run.stdout).toMatch(/saev setup/);
  });
});
