import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { sharedLibrary } from "./describe.js";
import { type FetchProgress, fetchLibtorch } from "./fetch.js";
import { pythons } from "./python.js";

let folder: string;
let wheels: string;
let cache: string;

/** A wheel as pip takes it: `files` by path, and the metadata's `Requires-Dist`. */
function wheel(
  name: string,
  version: string,
  files: Record<string, string>,
  requires: readonly string[] = [],
): void {
  const info = `${name}-${version}.dist-info`;
  const metadata = ["Metadata-Version: 2.1", `Name: ${name.replaceAll("_", "-")}`, `Version: ${version}`];
  const contents = {
    ...files,
    [`${info}/METADATA`]: `${[...metadata, ...requires.map((r) => `Requires-Dist: ${r}`)].join("\n")}\n`,
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/RECORD`]: "",
  };
  const write =
    "import json, sys, zipfile\nz = zipfile.ZipFile(sys.argv[1], 'w')\nfor n, t in json.loads(sys.argv[2]).items(): z.writestr(n, t)";
  const file = path.join(wheels, `${name}-${version}-py3-none-any.whl`);
  const run = spawnSync(pythons()[0]!, ["-c", write, file, JSON.stringify(contents)], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stderr);
}

const library = `torch/lib/${sharedLibrary("torch_cpu")}`;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "saev-fetch-"));
  wheels = path.join(folder, "wheels");
  mkdirSync(wheels);
  wheel("torch", "2.13.0", { [library]: "x", "torch/version.py": "__version__ = '2.13.0'\ncuda = None\n" });
  wheel(
    "torch",
    "2.14.1",
    { [library]: "x", "torch/version.py": "__version__ = '2.14.1'\ncuda = '13.0'\n" },
    ['nvidia-fast-maths==1.0; platform_system == "Linux"', "triton==3.0", "sympy"],
  );
  wheel("nvidia_fast_maths", "1.0", { "nvidia/cu13/lib/libfast.so.13": "x".repeat(1000) });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  cache = mkdtempSync(path.join(folder, "cache-"));
  // pip's own settings hold: here they say that the wheels of this test are all there is.
  vi.stubEnv("PIP_NO_INDEX", "1");
  vi.stubEnv("PIP_FIND_LINKS", wheels);
  vi.stubEnv("PIP_EXTRA_INDEX_URL", "");
});
afterEach(() => vi.unstubAllEnvs());

describe("fetchLibtorch", { timeout: 120_000 }, () => {
  it("fetches through pip, unpacks, tells how far it is, and fetches nothing twice", async () => {
    const seen: FetchProgress[] = [];
    const found = await fetchLibtorch("cpu", { cache, onProgress: (progress) => seen.push(progress) });
    expect(found).toMatchObject({ version: "2.13.0", cuda: null, source: "cache" });
    expect(found.folder).toBe(path.join(cache, "libtorch/cpu-2.13.0/torch"));
    expect(seen.at(-1)).toMatchObject({ step: "unpack" });
    expect(seen.at(-1)!.done).toBe(seen.at(-1)!.total);
    expect(readdirSync(path.join(cache, "libtorch"))).toEqual(["cpu-2.13.0"]);
    vi.stubEnv("SAEV_PYTHON", "/nowhere/python");
    expect(await fetchLibtorch("cpu", { cache })).toEqual(found);
  });

  it("brings the CUDA libraries, beside torch, and not what serves Python alone", async () => {
    const found = await fetchLibtorch("cu130", { cache });
    expect(found.cuda).toBe("13.0");
    const site = path.dirname(found.folder);
    expect(existsSync(path.join(site, "nvidia/cu13/lib/libfast.so.13"))).toBe(true);
    expect(readdirSync(site).sort()).toEqual([
      "nvidia",
      "nvidia_fast_maths-1.0.dist-info",
      "torch",
      "torch-2.14.1.dist-info",
    ]);
  });

  it("leaves nothing behind when there is no such wheel, no pip, or no wish to go on", async () => {
    const nothing = async (run: Promise<unknown>, expected: unknown) => {
      await expect(run).rejects.toMatchObject(expected as object);
      const left = path.join(cache, "libtorch");
      expect(existsSync(left) ? readdirSync(left) : []).toEqual([]);
    };
    await nothing(fetchLibtorch("cu126", { cache }), {
      code: "NOT_FOUND",
      message: expect.stringMatching(/torch==2.+PIP_EXTRA_INDEX_URL/),
    });
    const reason = new Error("enough");
    await nothing(fetchLibtorch("cpu", { cache, signal: AbortSignal.abort(reason) }), { message: "enough" });
    vi.stubEnv("SAEV_PYTHON", "/nowhere/python");
    await nothing(fetchLibtorch("cpu", { cache }), {
      code: "NOT_FOUND",
      message: expect.stringMatching(/python3-pip/),
    });
  });
});
