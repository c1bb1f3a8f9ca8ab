import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClipTable } from "../hub/open-clip-table.js";
import { describeModel, type SaevError, Tensor, ViT } from "../index.js";
import { randomNumbers } from "./testing/tiny-clip.js";
import { plainTimm, tinySiglipWeights, tinyTimm, writeTinySiglip } from "./testing/tiny-timm.js";
import { timmSiglip } from "./timm-siglip.js";

// float32 against float64 over three blocks with weights that let values grow to about 5.
const tolerance = 2e-5;

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "saev-siglip-"));
});
afterAll(() => rmSync(root, { recursive: true }));
const folder = (name: string) => path.join(root, name);

describe.each([
  ["gelu", "erf", tinyTimm],
  ["gelu_tanh", "tanh", tinyTimm],
  // Patches that do not fill the picture, as in 384 pixels of patches of 14.
  ["gelu_tanh", "tanh", { ...tinyTimm, image: 19 }],
] as const)("with %s", (act, mlp, config) => {
  it(`agrees with the formula at ${config.image} pixels`, async () => {
    const at = folder(`${act}-${config.image}`);
    const weights = tinySiglipWeights(config);
    await writeTinySiglip(at, config, act, weights);
    using vit = await ViT.load("siglip", at);
    expect([vit.nLayers, vit.dVit, vit.nPatches, vit.nTokens, vit.clsToken]).toEqual([3, 12, 4, 4, false]);
    expect(vit.transform).toMatchObject({ mode: "squash", resizeWidth: config.image, filter: "bicubic" });
    const random = randomNumbers(7);
    const size = 3 * config.image ** 2;
    const input = Float32Array.from({ length: 2 * size }, () => 2 * random());
    const layers = [2, 0, 1];
    using acts = await vit.record(Tensor.from(input, [2, 3, config.image, config.image]), layers);
    expect(acts.shape).toEqual([2, 3, 4, 12]);
    const position = weights.get("visual.trunk.pos_embed")!.data;
    const expected = [0, 1].flatMap((image) => {
      const pixels = input.subarray(image * size, (image + 1) * size);
      const blocks = plainTimm(config, mlp, weights, "visual.trunk.", pixels, (patches) =>
        patches.map((token, t) => token.map((v, i) => v + position[t * config.d + i]!)),
      );
      return layers.flatMap((layer) => blocks[layer]!.flat());
    });
    const worst = Math.max(...acts.toFloat32Array().map((v, i) => Math.abs(v - expected[i]!)));
    expect(worst).toBeLessThan(tolerance);
    expect(worst).toBeGreaterThan(0);
  });
});

it("lists every tensor that does not fit, and passes over text and pooling", async () => {
  const weights = tinySiglipWeights();
  weights.delete("visual.trunk.pos_embed");
  weights.delete("visual.trunk.blocks.2.mlp.fc2.bias");
  weights.add("visual.trunk.blocks.0.norm1.bias", [6], 1);
  weights.add("visual.trunk.cls_token", [1, 1, 12], 1);
  await writeTinySiglip(folder("misfit"), tinyTimm, "gelu", weights);
  const { message, code } = (await ViT.load("siglip", folder("misfit")).catch((e) => e)) as SaevError;
  expect(code).toBe("BAD_FILE");
  expect(message).toContain("missing: visual.trunk.pos_embed, visual.trunk.blocks.2.mlp.fc2.bias");
  expect(message).toContain(
    "of another shape: visual.trunk.blocks.0.norm1.bias (expected floating point [12], found Float [6])",
  );
  expect(message).toMatch(/unexpected: visual\.trunk\.cls_token$/);
});

it("says which family a folder is of, and what a trunk lacks", async () => {
  const at = folder("names");
  await writeTinySiglip(at);
  const message = (family: string) =>
    ViT.load(family, at).then(
      () => "nothing",
      (e: SaevError) => `${e.code} ${e.message}`,
    );
  expect(await message("clip")).toMatch(
    /INVALID_ARGUMENT .*model of the siglip family, not of clip; use vit_family siglip/,
  );
  const trunk = path.join(at, "timm_trunk.json");
  const good = JSON.parse(readFileSync(trunk, "utf8"));
  const withArgs = (args: object) => {
    writeFileSync(trunk, JSON.stringify({ model_args: { ...good.model_args, ...args } }));
    return message("siglip");
  };
  expect(await withArgs({})).toBe("nothing");
  expect(await withArgs({ class_token: true })).toMatch(/UNSUPPORTED .*trunk with class_token/);
  expect(await withArgs({ reg_tokens: 4, qk_norm: true })).toMatch(/trunk with reg_tokens, qk_norm/);
  expect(await withArgs({ act_layer: "swiglu" })).toMatch(/BAD_FILE .*expected gelu or gelu_tanh/);
  expect(await withArgs({ num_heads: 5 })).toMatch(/width 12 is no multiple of the 5 heads/);
  rmSync(trunk);
  expect(await message("siglip")).toMatch(
    /UNSUPPORTED .*does not know timm's vit_tiny_patch8_siglip_16; expected/,
  );
  const config = path.join(at, "open_clip_config.json");
  writeFileSync(config, JSON.stringify({ model_cfg: { vision_cfg: { image_size: 16 } } }));
  expect(await message("siglip")).toMatch(/INVALID_ARGUMENT .*use vit_family clip/);
});

describe("timm's names", () => {
  it("say what open_clip's table says of every SigLIP", () => {
    const towers = Object.values(openClipTable().architectures).flatMap(({ tower }) =>
      /siglip/.test(tower.timm ?? "") ? [tower] : [],
    );
    expect(towers.length).toBeGreaterThan(20);
    for (const { timm, patch_size, d_vit, layers, heads, hidden, act } of towers) {
      expect(timmSiglip(timm!), timm).toEqual({
        ...{ patchHeight: patch_size, patchWidth: patch_size, dVit: d_vit, nLayers: layers, heads, hidden },
        ...{ eps: 1e-6, gelu: act === "gelu_tanh" ? "tanh" : "erf" },
      });
    }
  });

  it.each([
    ["vit_base_patch16_siglip_gap_224.v2_webli", "erf"],
    ["vit_so400m_patch14_siglip_gap_448", "erf"],
    ["vit_so400m_patch16_siglip_gap_256", "tanh"],
    ["vit_base_patch32_siglip_gap_256", "tanh"],
    ["vit_large_patch16_siglip_384", "erf"],
  ])("%s: %s", (name, gelu) => expect(timmSiglip(name)?.gelu).toBe(gelu));

  it("are no others", () => {
    for (const name of [
      "vit_base_patch16_clip_224",
      "vit_fixture_patch16_siglip_64",
      "so400m_patch14_siglip_224",
    ])
      expect(timmSiglip(name)).toBeUndefined();
  });
});

it("describes a model by its config alone", () => {
  const config = {
    model_cfg: { vision_cfg: { image_size: 384, timm_model_name: "vit_so400m_patch14_siglip_384" } },
    preprocess_cfg: { resize_mode: "squash", mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  };
  expect(describeModel({ text: JSON.stringify(config), from: "here" })).toMatchObject({
    ...{ family: "siglip", nLayers: 27, dVit: 1152, nPatches: 27 * 27, clsToken: false, mlp: "erf GELU" },
    transform: { mode: "squash", width: 384, mean: [0.5, 0.5, 0.5] },
  });
});
