import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { describeLibtorch, misfit, sharedLibrary } from "./describe.js";
import { findLibtorch } from "./find.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-libtorch-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** A folder that looks like a torch package of that release. */
function torchFolder(name: string, version: string, cuda: string | null): string {
  const out = path.join(folder, name, "torch");
  mkdirSync(path.join(out, "lib"), { recursive: true });
  writeFileSync(path.join(out, "lib", sharedLibrary("torch_cpu")), "");
  const python = cuda ? `'${cuda}'` : "None";
  writeFileSync(
    path.join(out, "version.py"),
    `from typing import Optional\n__all__ = []\n__version__ = '${version}'\ndebug = False\ncuda: Optional[str] = ${python}\nhip: Optional[str] = None\n`,
  );
  return out;
}

/** A program that answers like a Python whose torch lies at `torch`. */
function python(name: string, torch: string | undefined): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho '${torch ? `${torch}/__init__.py` : ""}'\n`, { mode: 0o755 });
  return file;
}

describe("libtorch", () => {
  it("is read from a torch package and from a plain unpacked one", () => {
    expect(describeLibtorch(torchFolder("a", "2.13.0+cpu", null))).toMatchObject({
      version: "2.13.0",
      cuda: null,
    });
    expect(describeLibtorch(torchFolder("b", "2.14.1", "13.0"))).toMatchObject({
      version: "2.14.1",
      cuda: "13.0",
    });
    const plain = torchFolder("c", "", null);
    rmSync(path.join(plain, "version.py"));
    writeFileSync(path.join(plain, "build-version"), "2.14.1+cu126\n");
    expect(describeLibtorch(plain)).toMatchObject({ version: "2.14.1", cuda: "12.6" });
    expect(describeLibtorch(folder)).toBeUndefined();
  });

  it("serves a flavour or says why not", () => {
    const cpu = { folder, version: "2.13.0", cuda: null };
    const cuda = { folder, version: "2.14.1", cuda: "13.0" };
    expect(misfit(cpu, "cpu")).toBeUndefined();
    expect(misfit(cuda, "cpu")).toBeUndefined();
    expect(misfit(cuda, "cu130")).toBeUndefined();
    expect(misfit(cpu, "cu130")).toMatch(/CPU alone/);
    expect(misfit(cuda, "cu126")).toMatch(/CUDA 13\.0; cu126 needs CUDA 12\.6/);
    expect(misfit({ ...cpu, version: "2.1.0" }, "cpu")).toMatch(/2\.1\.0/);
    expect(misfit(cuda, "cpu", ["2.13"])).toMatch(/2\.13 is needed/);
  });

  it("is looked for by explicit path, then in Python, then in the cache", () => {
    const explicit = torchFolder("explicit", "2.13.0", null);
    const ours = torchFolder("python-site", "2.14.0", null);
    const cache = path.join(folder, "cache");
    const cached = torchFolder("cache/libtorch/cpu-2.13.0", "2.13.0", null);
    vi.stubEnv("SAEV_PYTHON", python("has-torch", ours));
    vi.stubEnv("SAEV_LIBTORCH", explicit);
    expect(findLibtorch("cpu", { cache }).found).toMatchObject({ folder: explicit, from: "SAEV_LIBTORCH" });
    vi.stubEnv("SAEV_LIBTORCH", undefined);
    expect(findLibtorch("cpu", { cache }).found).toMatchObject({ folder: ours, source: "python" });
    expect(findLibtorch("cpu", { cache, cacheFirst: true }).found).toMatchObject({
      folder: cached,
      source: "cache",
    });
    vi.stubEnv("SAEV_PYTHON", python("no-torch", undefined));
    expect(findLibtorch("cpu", { cache }).found).toMatchObject({ folder: cached, source: "cache" });
    const { found, tried } = findLibtorch("cu130", { cache });
    expect(found).toBeUndefined();
    expect(tried).toHaveLength(2);
  });

  it("takes nothing else when the explicit path does not serve", () => {
    vi.stubEnv("SAEV_LIBTORCH", path.join(folder, "nowhere"));
    expect(findLibtorch("cpu")).toEqual({
      tried: [expect.stringMatching(/^SAEV_LIBTORCH: .+ no libtorch$/)],
    });
  });
});
