import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { parseActivations } from "@saev/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scratchFolder, writeDataset } from "../activations/testing/dataset.js";
import { recordActivations, ShardFolder, systemInfo, Tensor, ViT } from "../index.js";
import { randomNumbers, type TinyClip, tinyClip, tinyWeights, writeTinyClip } from "./testing/tiny-clip.js";

const { cpuFeatures, level } = systemInfo();
const hasBfloat16 = level === "avx512" && cpuFeatures.includes("avx512_bf16");
if (!hasBfloat16) console.warn("no AVX512-BF16 here: bfloat16 is tested as far as its refusal");

// Each operand is off by up to 2^-9 of its size. Six branches of two or three products each, added to the stream, leave
// 4e-3 of the root mean square after three blocks; a product that is wrong leaves a tenth of it and more.
const tolerance = 2 ** -7;

let root: string;
beforeAll(async () => {
  root = scratchFolder("saev-dtype-");
  await writeTinyClip(path.join(root, "model"));
  await writeDataset(path.join(root, "images"), 6);
});
afterAll(() => rmSync(root, { recursive: true }));

const config = (dump: string, dtype: string) =>
  parseActivations({
    data: { root: path.join(root, "images") },
    dump_to: path.join(root, dump),
    vit_ckpt: path.join(root, "model"),
    vit_batch_size: 4,
    d_vit: tinyClip.vision.width,
    n_patches_per_img: 4,
    vit_layers: [-1],
    device: "cpu",
    compute_dtype: dtype,
  });

function relativeError(a: Float32Array, b: Float32Array): number {
  const squares = (f: (i: number) => number) => b.reduce((sum, _, i) => sum + f(i) ** 2, 0);
  return Math.sqrt(squares((i) => a[i]! - b[i]!) / squares((i) => b[i]!));
}

describe.skipIf(!hasBfloat16)("compute_dtype bfloat16", () => {
  const kinds: Record<string, TinyClip> = {
    "erf GELU": tinyClip,
    "quick GELU": { ...tinyClip, quickGelu: true },
    LayerScale: { vision: { ...tinyClip.vision, ls_init_value: 1e-4 } },
  };
  for (const [kind, model] of Object.entries(kinds)) {
    it(`agrees with float32 at every block: ${kind}`, async () => {
      const folder = path.join(root, kind);
      await writeTinyClip(folder, model, tinyWeights(model));
      using exact = await ViT.load("clip", folder);
      using half = await ViT.load("clip", folder, { computeDtype: "bfloat16" });
      const random = randomNumbers(5);
      const pixels = Float32Array.from({ length: 5 * 3 * 16 * 16 }, () => 2 * random());
      using input = Tensor.from(pixels, [5, 3, 16, 16]);
      for (const layer of [0, 1, 2]) {
        using a = await half.record(input, [layer]);
        using b = await exact.record(input, [layer]);
        const error = relativeError(a.toFloat32Array(), b.toFloat32Array());
        expect(error).toBeLessThan(tolerance);
        expect(error).toBeGreaterThan(0);
      }
    });
  }

  it("is said in saev.json, and kept for the whole of a folder", async () => {
    const { dir } = await recordActivations(config("half", "bfloat16"));
    expect(JSON.parse(readFileSync(path.join(dir, "saev.json"), "utf8"))).toMatchObject({
      status: "complete",
      compute_dtype: "bfloat16",
    });
    expect((await ShardFolder.open(dir)).computeDtype).toBe("bfloat16");
    // The Python package's own file says nothing of it, so that it is read as ever.
    expect(readFileSync(path.join(dir, "metadata.json"), "utf8")).not.toContain("bfloat16");
    await expect(recordActivations(config("half", "float32"))).rejects.toThrow(
      /computed in "?bfloat16"?, not in float32; .*dump_to/,
    );
    const again = await recordActivations(config("half", "bfloat16"));
    expect(again.resumedAt).toBe(again.nImgs);
  });
});

it("float32 is not said in saev.json", async () => {
  const { dir } = await recordActivations(config("full", "float32"));
  expect(JSON.parse(readFileSync(path.join(dir, "saev.json"), "utf8"))).not.toHaveProperty("compute_dtype");
});

it("bfloat16 is refused, with the reason, where the CPU does not multiply it", () => {
  const script = `
    import { ViT } from "@saev/core";
    await ViT.load("clip", ${JSON.stringify(path.join(root, "model"))}, { computeDtype: "bfloat16" }).then(
      () => console.log("loaded"),
      (error) => console.log(error.code, error.message),
    );`;
  const said = execFileSync(
    process.execPath,
    [
      "--import",
      path.resolve(import.meta.dirname, "../../../../scripts/source/register.mjs"),
      "--input-type=module",
      "-e",
      script,
    ],
    {
      cwd: path.resolve(import.meta.dirname, "../.."),
      env: { ...process.env, SAEV_CPU_LEVEL: "plain" },
      encoding: "utf8",
    },
  );
  expect(said).toMatch(/^UNSUPPORTED bfloat16 needs a CPU with AVX512-BF16, and this one has: /);
});

it("a model is prepared once", async () => {
  using vit = await ViT.load("clip", path.join(root, "model"));
  const { addon } = await import("../native/load.js");
  await expect(addon().visionModelPrepare(vit.handle, "float32")).rejects.toThrow(/prepared once/);
});
