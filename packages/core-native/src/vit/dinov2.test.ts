import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dinov2Models } from "../hub/dinov2-models.js";
import { describeModel, interpolatePositions, type SaevError, Tensor, ViT } from "../index.js";
import { dinov2HubConfig } from "./dinov2-config.js";
import { randomNumbers } from "./testing/tiny-clip.js";
import {
  plainTimm,
  type TinyDinov2,
  tinyDinov2,
  tinyDinov2Weights,
  writeTinyDinov2,
} from "./testing/tiny-timm.js";

// float32 against float64 over three blocks with weights that let values grow to about 10.
const tolerance = 5e-5;

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "saev-dinov2-"));
});
afterAll(() => rmSync(root, { recursive: true }));
const folder = (name: string) => path.join(root, name);

/** Models of one kind, and how their positions come about. */
const kinds: Record<string, [TinyDinov2, { antialias: boolean; offset: number } | "as stored"]> = {
  "interpolated positions": [tinyDinov2, { antialias: false, offset: 0.1 }],
  "registers, antialiased positions": [
    {
      ...tinyDinov2,
      registers: 3,
      kwargs: { interpolate_antialias: true, interpolate_offset: 0.0 },
    },
    { antialias: true, offset: 0 },
  ],
  "SwiGLU, positions as stored": [{ ...tinyDinov2, swiglu: true, side: 4 }, "as stored"],
  "no LayerScale, blocks in chunks": [
    { ...tinyDinov2, layerScale: false, chunks: 2 },
    { antialias: false, offset: 0.1 },
  ],
};

describe("ViT.record", () => {
  for (const [kind, [config, positions]] of Object.entries(kinds)) {
    it(`agrees with the formula: ${kind}`, async () => {
      const weights = tinyDinov2Weights(config);
      await writeTinyDinov2(folder(kind), config, chunked(weights, config));
      using vit = await ViT.load("dinov2", folder(kind));
      expect([vit.nLayers, vit.dVit, vit.nPatches, vit.nTokens, vit.clsToken]).toEqual([3, 12, 16, 17, true]);
      const { d, registers } = config;
      const random = randomNumbers(7);
      const pixels = Float32Array.from({ length: 3 * 224 ** 2 }, () => 2 * random());
      const input = Tensor.from(pixels, [1, 3, 224, 224]);
      const layers = [2, 0, 1];
      using acts = await vit.record(input, layers);
      using embedded = await vit.embed(input);
      expect(acts.shape).toEqual([1, 3, 17, d]);
      expect(embedded.shape).toEqual([1, 17 + registers, d]);

      const get = (name: string) => [...weights.get(name)!.data];
      const stored = weights.get("pos_embed")!.data;
      const table = Tensor.from(stored.slice(d), [config.side ** 2, d]);
      const of =
        positions === "as stored"
          ? table
          : interpolatePositions(table, { rows: 4, columns: 4, ...positions });
      const position = of.toFloat32Array();
      const blocks = plainTimm(config, config.swiglu ? "swiglu" : "erf", weights, "", pixels, (patches) => [
        get("cls_token").map((v, i) => v + stored[i]!),
        ...Array.from({ length: registers }, (_, r) => get("register_tokens").slice(r * d, (r + 1) * d)),
        ...patches.map((token, t) => token.map((v, i) => v + position[t * d + i]!)),
      ]);
      // Registers take part, and are not recorded.
      const expected = layers.flatMap((layer) =>
        blocks[layer]!.filter((_, t) => t === 0 || t > registers).flat(),
      );
      const worst = Math.max(...acts.toFloat32Array().map((v, i) => Math.abs(v - expected[i]!)));
      expect(worst).toBeLessThan(tolerance);
      expect(worst).toBeGreaterThan(0);
    });
  }
});

/** Names as `block_chunks` makes them: "blocks.1.2." instead of "blocks.2.". */
function chunked(weights: ReturnType<typeof tinyDinov2Weights>, { layers, chunks }: TinyDinov2) {
  const named = tinyDinov2Weights();
  named.clear();
  for (const [name, value] of weights) {
    const size = chunks ? Math.floor(layers / chunks) : 0;
    named.set(
      size ? name.replace(/^blocks\.(\d+)/, (_, i) => `blocks.${Math.floor(Number(i) / size)}.${i}`) : name,
      value,
    );
  }
  return named;
}

it("cuts pictures as dinov2's users do", async () => {
  await writeTinyDinov2(folder("transform"));
  using vit = await ViT.load("dinov2", folder("transform"));
  expect(vit.transform).toMatchObject({ mode: "squash", resizeWidth: 256, width: 224, filter: "bilinear" });
  const data = new Uint8Array(256 * 256 * 3).fill(255);
  using white = await vit.preprocess([{ data, width: 256, height: 256 }]);
  // 255 · (1 / 255) is 1 in float32.
  const expected = [0.485, 0.456, 0.406].map((mean, c) => (1 - mean) / [0.229, 0.224, 0.225][c]!);
  for (const [c, value] of expected.entries()) {
    expect(white.toFloat32Array()[c * 224 * 224]).toBeCloseTo(value, 6);
  }
});

it("lists every tensor that does not fit", async () => {
  const weights = tinyDinov2Weights({ ...tinyDinov2, registers: 2 });
  weights.delete("cls_token");
  weights.delete("blocks.1.ls2.gamma");
  weights.add("pos_embed", [1, 17, 12], 1);
  weights.add("head.weight", [3, 12], 1);
  await writeTinyDinov2(folder("misfit"), tinyDinov2, weights);
  const { message, code } = (await ViT.load("dinov2", folder("misfit")).catch((e) => e)) as SaevError;
  expect(code).toBe("BAD_FILE");
  expect(message).toContain("missing: cls_token, blocks.1.ls2.gamma");
  expect(message).toContain("pos_embed (expected floating point [1, 26, 12], found Float [1, 17, 12])");
  expect(message).toMatch(/unexpected: (register_tokens, head\.weight|head\.weight, register_tokens)$/);
});

it("names what is wrong with a config", async () => {
  await writeTinyDinov2(folder("config"));
  const withKwargs = async (kwargs: object) => {
    const all = {
      img_size: 280,
      patch_size: 56,
      embed_dim: 12,
      depth: 3,
      num_heads: 3,
      mlp_ratio: 2,
      ...kwargs,
    };
    writeFileSync(path.join(folder("config"), "config.json"), JSON.stringify(all));
    return ViT.load("dinov2", folder("config")).then(
      (vit) => vit.dispose(),
      (e: SaevError) => `${e.code} ${e.message}`,
    );
  };
  expect(await withKwargs({ drop_path_rate: 0.3 })).toBeUndefined(); // arguments without "kwargs" around them
  expect(await withKwargs({ depth: "three" })).toMatch(/BAD_FILE .*depth: expected a number, found "three"/);
  expect(await withKwargs({ embed_dim: null })).toMatch(/BAD_FILE .*embed_dim: expected/);
  expect(await withKwargs({ num_register_tokens: -1 })).toMatch(/expected a whole number from 0, found -1/);
  expect(await withKwargs({ interpolate_offset: 1.5 })).toMatch(/offset of interpolation must lie between/);
  expect(await withKwargs({ ffn_layer: "identity" })).toMatch(/expected mlp or swiglu or swiglufused/);
  expect(await withKwargs({ patch_size: 60 })).toMatch(/UNSUPPORTED .*60 × 60 pixels do not fill 224 × 224/);
  expect(await withKwargs({ qkv_bias: false })).toMatch(/UNSUPPORTED .*without qkv_bias/);
  expect(await withKwargs({ rope: 1 })).toMatch(/UNSUPPORTED .*does not know rope/);
  expect(await withKwargs({ model_type: "swin" })).toMatch(/UNSUPPORTED .*transformers \(swin\)/);
});

it("passes what hubconf passes for each of its names", () => {
  const shared = { height: 224, width: 224, patchHeight: 14, patchWidth: 14, eps: 1e-6, positionsSide: 37 };
  const seen = Object.entries(dinov2Models).map(([name, model]) => [name, dinov2HubConfig(model)] as const);
  expect(seen).toHaveLength(8);
  for (const [name, config] of seen) {
    const reg = name.endsWith("_reg");
    expect(config, name).toMatchObject({ ...shared, layerScale: true, layersPerChunk: 0 });
    expect([config.nRegisters, config.antialias, config.offset]).toEqual(
      reg ? [4, true, 0] : [0, false, 0.1],
    );
  }
  expect(Object.fromEntries(seen).dinov2_vitb14).toMatchObject({ hidden: 3072, swiglu: false, heads: 12 });
  expect(Object.fromEntries(seen).dinov2_vitg14).toMatchObject({ hidden: 4096, swiglu: true, nLayers: 40 });
});

it("describes a model by its config alone", () => {
  const kwargs = { patch_size: 14, embed_dim: 384, depth: 12, num_heads: 6, num_register_tokens: 4 };
  const text = JSON.stringify({ kwargs: { ...kwargs, ffn_layer: "swiglufused" } });
  expect(describeModel({ text, from: "here" })).toMatchObject({
    ...{ family: "dinov2", nLayers: 12, dVit: 384, hidden: 1024, mlp: "SwiGLU" },
    ...{ nPatches: 256, clsToken: true, nRegisters: 4 },
  });
});
