import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { flavourOrder, loadedAddon } from "./load.js";

const register = path.resolve(import.meta.dirname, "../../../../scripts/source/register.mjs");
const loader = path.resolve(import.meta.dirname, "load.ts");

/** Loads the addon in a process of its own. Gives what it loaded, or the error. */
function loadWith(env: Record<string, string | undefined>): {
  file?: string;
  code?: string;
  message?: string;
} {
  const program = `
    import { loadedAddon } from ${JSON.stringify(loader)};
    try {
      const { file, addon } = loadedAddon();
      console.log(JSON.stringify({ file, flavour: addon.systemInfo().flavour }));
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`;
  const all = { ...process.env, ...env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete all[name];
  const run = spawnSync(process.execPath, ["--import", register, "--input-type=module", "-e", program], {
    env: all,
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`exit code ${run.status}: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-load-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

function addonFolder(name: string, description: object): string {
  const out = path.join(folder, name);
  mkdirSync(out);
  copyFileSync(loadedAddon().file, path.join(out, "saev.node"));
  writeFileSync(path.join(out, "addon.json"), JSON.stringify(description));
  return path.join(out, "saev.node");
}

describe("the loader", () => {
  it("takes the file that SAEV_ADDON names", () => {
    const file = addonFolder("named", { flavour: "cpu", torch: loadedAddon().addon.systemInfo().libtorch });
    expect(loadWith({ SAEV_ADDON: file })).toMatchObject({ file });
  });

  it("says what it tried when that file is missing or no addon", () => {
    const missing = path.join(folder, "none.node");
    expect(loadWith({ SAEV_ADDON: missing })).toMatchObject({
      code: "ADDON_LOAD",
      message: expect.stringContaining(`${missing}: no such file`),
    });
    const text = path.join(folder, "text.node");
    writeFileSync(text, "not a library");
    expect(loadWith({ SAEV_ADDON: text, SAEV_LIBTORCH: undefined })).toMatchObject({
      code: "ADDON_LOAD",
      message: expect.stringContaining(text),
    });
  });

  it("does not load an addon beside a libtorch of another release", () => {
    const torch = loadedAddon().libtorch?.folder ?? process.env.SAEV_LIBTORCH;
    const file = addonFolder("newer", { flavour: "cpu", torch: "9.9.0" });
    const { code, message } = loadWith({ SAEV_ADDON: file, SAEV_LIBTORCH: torch ?? "/nowhere" });
    expect(code).toBe("ADDON_LOAD");
    expect(message).toMatch(torch ? /9\.9 is needed/ : /holds no libtorch/);
  });

  it("names every place it looked in, and what to do", () => {
    const { code, message } = loadWith({ SAEV_ADDON: undefined, SAEV_FLAVOUR: "cu126" });
    expect(code).toBe("ADDON_LOAD");
    expect(message).toMatch(/build\/cu126\/saev\.node/);
    expect(message).toMatch(/@saev\/core-\w+-\w+-cu126/);
    expect(message).toMatch(/nx run core-native:build/);
  });

  it("tries CUDA first where there is a driver, last where there is none", () => {
    vi.stubEnv("SAEV_FLAVOUR", undefined);
    expect(flavourOrder(true)).toEqual(["cu130", "cu128", "cu126", "cpu"]);
    expect(flavourOrder(false)[0]).toBe("cpu");
    vi.stubEnv("SAEV_FLAVOUR", "cu128");
    expect(flavourOrder(true)).toEqual(["cu128"]);
    vi.stubEnv("SAEV_FLAVOUR", "rocm");
    expect(() => flavourOrder(true)).toThrow(/SAEV_FLAVOUR/);
  });
});
