import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { metadataText, parseMetadata } from "@saev/config";
import { Tensor, writeSafetensors } from "@saev/core";
import { afterAll, describe, expect, test } from "vitest";
import { exitCodeOf, report } from "../errors.js";
import { runInfo } from "./run-info.js";

const folder = mkdtempSync(path.join(tmpdir(), "saev-transform-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `saev info` in this process, and what `main` does about an error. */
async function info(...args: string[]) {
  const out = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      out[name] += text;
    },
  });
  const io = { stdout: stream("stdout"), stderr: stream("stderr"), env: {} };
  const code = await runInfo(args, io).catch((error: unknown) => {
    report(error, io);
    return exitCodeOf(error);
  });
  return { code, ...out };
}

const text = async (at: string) => (await info(at, "--transform")).stdout;
const json = async (at: string) => JSON.parse((await info(at, "--transform", "--json")).stdout);

describe("saev info --transform", () => {
  test("prints a tag's preprocessing step by step", async () => {
    expect(await text("ViT-B-16/openai")).toBe(`ViT-B-16/openai: preprocessing, clip family

1. decode     to red, green and blue of 8 bits; transparency is dropped, EXIF rotation ignored
2. resize     shorter side to 224, the other in proportion, rounded down; bicubic (a = -0.5), antialiased as Pillow does, rounded to 8 bits
3. crop       the middle 224 × 224, what is missing black; offsets rounded half to even
4. scale      divided by 255, in float32
5. normalise  minus 0.48145466, 0.4578275, 0.40821073, over 0.26862954, 0.26130258, 0.27577711
6. result     float32 [3, 224, 224]
known from    the model's config
`);
    expect(await json("ViT-L-16-SigLIP2-384/webli")).toEqual({
      ...{ kind: "transform", path: "ViT-L-16-SigLIP2-384/webli", vit_family: "siglip", from: "model" },
      ...{ vit_ckpt: "ViT-L-16-SigLIP2-384/webli", problems: [] },
      transform: {
        ...{ resize_mode: "squash", resize: [384, 384], crop: [384, 384], interpolation: "bicubic" },
        ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
        ...{ reciprocal: false, crop_down: false, unrounded: false },
      },
      steps: [
        expect.objectContaining({ step: "decode" }),
        {
          ...{ step: "resize", mode: "squash", height: 384, width: 384, interpolation: "bicubic" },
          ...{
            antialias: true,
            rounded: true,
            text: expect.stringMatching(/^to 384 × 384, whatever its shape/),
          },
        },
        { step: "scale", text: "divided by 255, in float32", divisor: 255, reciprocal: false },
        expect.objectContaining({ step: "normalise", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }),
        { step: "result", text: "float32 [3, 384, 384]", shape: [3, 384, 384], dtype: "float32" },
      ],
    });
    expect(await text("dinov2_vitb14")).toMatch(/^2\. resize +to 256 × 256, .*; bilinear, antialiased/m);
    expect(await text("dinov2_vitb14")).toMatch(/^3\. crop +the middle 224 × 224/m);
  });

  test("scales first where a model's own code resizes floats", async () => {
    const dir = path.join(folder, "dinov3");
    mkdirSync(dir);
    writeFileSync(
      path.join(dir, "config.json"),
      JSON.stringify({ model_type: "dinov3_vit", num_hidden_layers: 2 }),
    );
    await writeSafetensors(path.join(dir, "model.safetensors"), {
      a: Tensor.from(new Float32Array(6), [2, 3]),
    });
    const { vit_family, steps } = await json(dir);
    expect(vit_family).toBe("dinov3");
    expect(steps.map(({ step }: { step: string }) => step)).toEqual([
      "decode",
      "scale",
      "resize",
      "normalise",
      "result",
    ]);
    expect(steps[2]).toMatchObject({ rounded: false, interpolation: "bilinear", mode: "squash" });
    // The same folder, described as a model.
    const whole = (await info(dir)).stdout;
    expect(whole).toContain("dinov3 vision transformer, layout of transformers or timm");
    expect(whole).toMatch(/--vit-family dinov3 .* --n-patches-per-img 196$/m);
  });

  test("asks a shard folder's recording", async () => {
    const dir = path.join(folder, "shards");
    mkdirSync(dir);
    const metadata = parseMetadata({
      ...{ vit_family: "clip", vit_ckpt: "a model", layers: [-1], n_patches_per_img: 4, cls_token: true },
      ...{ d_vit: 3, seed: 1, n_imgs: 5, n_patches_per_shard: 20, data: "ImageFolderDataset(root='imgs')" },
    });
    writeFileSync(path.join(dir, "metadata.json"), metadataText(metadata));
    expect(await json(dir)).toMatchObject({
      ...{ from: "family", vit_ckpt: "a model", transform: { resize_mode: "shortest", crop: [224, 224] } },
      problems: [expect.stringMatching(/does not say how its pictures were prepared/)],
    });
    const recorded = {
      ...{ resize_mode: "longest", resize: [96, 128], crop: [96, 128], interpolation: "bilinear" },
      ...{ mean: [0.1, 0.2, 0.3], std: [1, 1, 1], reciprocal: true, crop_down: true, unrounded: false },
    };
    writeFileSync(path.join(dir, "preprocessing.json"), JSON.stringify({ format: 1, ...recorded }));
    expect(await json(dir)).toMatchObject({ from: "recording", transform: recorded, problems: [] });
    expect(await text(dir)).toMatch(
      /^2\. resize +longer side to 128 × 96, the other in proportion; bilinear/m,
    );
    expect(await text(dir)).toMatch(/^known from +the recording of a model$/m);
    writeFileSync(path.join(dir, "preprocessing.json"), "{}");
    expect((await info(dir, "--transform")).stderr).toMatch(
      /BAD_FILE: .*preprocessing\.json: expected format 1/,
    );
  });

  test.each([
    ["ViT-B-16/opnai", /NOT_FOUND: .*did you mean ViT-B-16\/openai\?/],
    ["RN50/openai", /UNSUPPORTED: .*RN50 is no plain vision transformer/],
  ])("%s is refused with the reason", async (name, message) => {
    const { code, stderr } = await info(name, "--transform");
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  test("other things have no preprocessing", async () => {
    const run = path.join(folder, "run");
    mkdirSync(run);
    writeFileSync(path.join(run, "metrics.jsonl"), "");
    const { code, stderr } = await info(run, "--transform");
    expect(code).toBe(1);
    expect(stderr).toMatch(/UNSUPPORTED: .*--transform is for a model or a shard folder/);
  });
});
