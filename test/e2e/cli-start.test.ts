import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { binary, compile, saev, saevOnTerminal } from "./saev.js";

beforeAll(compile);

const folder = mkdtempSync(path.join(tmpdir(), "saev-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("help", () => {
  test.each([[[]], [["--help"]], [["-h"]], [["help"]]])(
    "saev %j lists the commands on standard output",
    async (args) => {
      const { code, stdout, stderr } = await saev(args);
      expect(code).toBe(0);
      expect(stderr).toBe("");
      for (const name of ["activations", "train", "visuals", "info", "doctor", "setup"])
        expect(stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    },
  );

  test("is coloured on a terminal, unless NO_COLOR is set, and as wide as the terminal", async () => {
    const colour = "\u001b[";
    const [wide, narrow, plain] = await Promise.all([
      saevOnTerminal(["info", "--help"], { columns: 120 }),
      saevOnTerminal(["info", "--help"], { columns: 44 }),
      saevOnTerminal(["info", "--help"], { env: { NO_COLOR: "1" } }),
    ]);
    expect(wide.stdout).toContain(colour);
    expect(plain.stdout).not.toContain(colour);
    const widths = (text: string) =>
      stripVTControlCharacters(text)
        .split(/\r?\n/)
        .map((line) => line.length);
    expect(Math.max(...widths(wide.stdout))).toBeGreaterThan(100);
    expect(Math.max(...widths(narrow.stdout))).toBeLessThanOrEqual(44);
    expect(wide.code + narrow.code + plain.code).toBe(0);
  });

  test("through a pipe has no colour", async () => {
    expect((await saev(["info", "--help"])).stdout).not.toContain("\u001b");
  });

  test("--version prints the package's version", async () => {
    const manifest = path.join(path.dirname(binary), "../package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    expect((await saev(["--version"])).stdout).toBe(`${version}\n`);
    expect((await saev(["info", "--version"])).stdout).toBe(`${version}\n`);
  });
});

describe("starting", () => {
  test.each([["--help"], ["info --help"]])(
    "saev %s loads neither the addon, libtorch, zod nor sharp",
    (line) => {
      const spy = path.join(folder, "spy.cjs");
      const report = path.join(folder, "loaded.json");
      writeFileSync(
        spy,
        `const fs = require("node:fs");
       process.on("exit", () => {
         const maps = fs.existsSync("/proc/self/maps") ? fs.readFileSync("/proc/self/maps", "utf8") : "";
         const native = [...new Set(maps.match(/\\/\\S+\\.(?:node|so[.\\d]*)$/gm) ?? [])];
         fs.writeFileSync(${JSON.stringify(report)}, JSON.stringify({ native, required: Object.keys(require.cache) }));
       });`,
      );
      const run = spawnSync(process.execPath, ["--require", spy, binary, ...line.split(" ")]);
      expect(run.status).toBe(0);
      const { native, required } = JSON.parse(readFileSync(report, "utf8")) as Record<string, string[]>;
      expect(required!.some((file) => file.endsWith("spy.cjs"))).toBe(true);
      expect(native!.filter((file) => /torch|saev|sharp|\.node$/.test(file))).toEqual([]);
      expect(required!.filter((file) => /node_modules\/(zod|sharp|smol-toml)\//.test(file))).toEqual([]);
    },
  );
});

describe("errors", () => {
  test.each<[args: string[], code: number, stderr: string]>([
    [["inof"], 2, "saev: inof: no such command; did you mean info?\nSee: saev --help\n"],
    [["--frobnicate"], 2, "saev: --frobnicate: no such command; the commands are "],
    [["info"], 2, "saev info: PATH: is missing\nSee: saev info --help\n"],
    [
      ["info", "--jsn", "--vers", "x"],
      2,
      "saev info: 2 mistakes\n  --jsn: no such flag; did you mean --json?\n  --vers: no such flag",
    ],
    [["info", "/nowhere"], 1, "saev: NOT_FOUND: /nowhere: nothing is there\n"],
    [
      ["setup", "--flavour", "cu12"],
      2,
      'saev setup: --flavour: expected "auto", "cpu", "cu126", "cu128" or "cu130", found "cu12"',
    ],
  ])("saev %j", async (args, code, message) => {
    const { code: found, stdout, stderr } = await saev(args);
    expect(stdout).toBe("");
    expect(stderr.slice(0, message.length)).toBe(message);
    expect(stderr).not.toContain("    at ");
    expect(found).toBe(code);
  });

  test("SAEV_DEBUG=1 shows the stack", async () => {
    const { code, stderr } = await saev(["info", "/nowhere"], { env: { SAEV_DEBUG: "1" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^saev: NOT_FOUND: .*\n.*CommandError: .*\n {4}at /);
  });

  test("--log-format json makes them JSON", async () => {
    const { code, stderr } = await saev(["setup", "--log-format", "json", "--flavor", "cpu"]);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      event: "error",
      code: "USAGE",
      message: "--flavor: no such flag; did you mean --flavour?",
    });
  });

  test("a pipe that is closed early ends the command quietly, and as a failure if there was work left", () => {
    const run = (rest: string) =>
      spawnSync("bash", ["-c", `set -o pipefail; "${process.execPath}" "${binary}" ${rest}`], {
        encoding: "utf8",
      });
    const help = run("train --help | head -n 1");
    expect(help.stdout.split("\n")).toHaveLength(2);
    expect({ stderr: help.stderr, status: help.status }).toEqual({ stderr: "", status: 0 });
    const closed = run("info /nowhere 2>&1 >/dev/null | true");
    expect(closed.stderr).toBe("");
    expect([1, 141]).toContain(closed.status);
  });
});

test("doctor reports what core finds, and its exit code says whether all is well", async () => {
  const { code, stdout } = await saev(["doctor", "--json"]);
  const report = JSON.parse(stdout) as { ok: boolean; items: { name: string; status: string }[] };
  expect(code).toBe(report.ok ? 0 : 1);
  expect(report.items.map((item) => item.name)).toContain("addon");
  const text = await saev(["doctor"]);
  expect(text.stdout).toContain(report.ok ? "saev can run on this machine." : "checks failed.");
  const broken = await saev(["doctor"], { env: { TMPDIR: "/proc/none" } });
  expect(broken.code).toBe(1);
  expect(broken.stdout).toMatch(/^FAIL {2}temporary files .*\n.*→ set TMPDIR/m);
});
