import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SaevError, Tensor, ViT, writeSafetensors } from "../index.js";
import { plainClip } from "./testing/plain-clip.js";
import {
  randomNumbers,
  sizesOf,
  type TinyClip,
  tinyClip,
  tinyWeights,
  writeTinyClip,
} from "./testing/tiny-clip.js";

// float32 against float64 over three blocks with weights that let values grow to about 5.
const tolerance = 2e-5;

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "saev-vit-"));
});
afterAll(() => rmSync(root, { recursive: true }));

const folder = (name: string) => path.join(root, name);

function randomInput(config: TinyClip, n: number): Float32Array {
  const { height, width } = sizesOf(config);
  const random = randomNumbers(7);
  return Float32Array.from({ length: n * 3 * height * width }, () => 2 * random());
}

const kinds: Record<string, TinyClip> = {
  "erf GELU": tinyClip,
  "quick GELU": { ...tinyClip, quickGelu: true },
  LayerScale: { vision: { ...tinyClip.vision, ls_init_value: 1e-4 } },
  "no norm before the blocks": {
    vision: { ...tinyClip.vision, no_ln_pre: true, norm_kwargs: { eps: 1e-3 } },
  },
  "an image that is no square": { vision: { ...tinyClip.vision, image_size: [16, 24] } },
};

describe("ViT.record", () => {
  for (const [kind, config] of Object.entries(kinds)) {
    it(`agrees with the formula: ${kind}`, async () => {
      await writeTinyClip(folder(kind), config);
      using vit = await ViT.load("clip", folder(kind));
      const { height, width, patches, d } = sizesOf(config);
      expect([vit.nLayers, vit.dVit, vit.nPatches, vit.nTokens, vit.clsToken]).toEqual([
        3,
        d,
        patches,
        patches + 1,
        true,
      ]);
      const n = 3;
      const input = randomInput(config, n);
      const layers = [2, -3, 1];
      using acts = await vit.record(Tensor.from(input, [n, 3, height, width]), layers);
      expect(acts.shape).toEqual([n, 3, patches + 1, d]);
      const found = acts.toFloat32Array();
      let worst = 0;
      for (let image = 0; image < n; image++) {
        const size = 3 * height * width;
        const blocks = plainClip(
          config,
          tinyWeights(config),
          input.subarray(image * size, (image + 1) * size),
        );
        for (const [slot, layer] of [2, 0, 1].entries()) {
          blocks[layer]!.flat().forEach((value, i) => {
            const at = (image * 3 + slot) * (patches + 1) * d + i;
            worst = Math.max(worst, Math.abs(found[at]! - value));
          });
        }
      }
      expect(worst).toBeLessThan(tolerance);
      expect(worst).toBeGreaterThan(0);
    });
  }

  it("gives the same values for any number of images at a time", async () => {
    await writeTinyClip(folder("groups"));
    using vit = await ViT.load("clip", folder("groups"));
    const input = randomInput(tinyClip, 500); // more than one pass holds
    using all = await vit.record(Tensor.from(input, [500, 3, 16, 16]), [-1]);
    using one = await vit.record(Tensor.from(input.slice(444 * 768, 445 * 768), [1, 3, 16, 16]), [-1]);
    const found = all.narrow(0, 444, 1).toFloat32Array();
    const worst = Math.max(...one.toFloat32Array().map((value, i) => Math.abs(value - found[i]!)));
    expect(worst).toBeLessThan(tolerance);
  });

  it("refuses what does not fit, and stops when told to", async () => {
    await writeTinyClip(folder("refuse"));
    const vit = await ViT.load("clip", folder("refuse"));
    const input = Tensor.zeros([2, 3, 16, 16]);
    await expect(vit.record(Tensor.zeros([2, 3, 16, 8]), [0])).rejects.toThrow(
      /expected float32 \[n ≥ 1, 3, 16, 16\]/,
    );
    await expect(vit.record(Tensor.zeros([0, 3, 16, 16]), [0])).rejects.toThrow(/n ≥ 1/);
    await expect(vit.record(input, [3, -4])).rejects.toThrow(/0 to 2, or -3 to -1\), found 3, -4/);
    await expect(vit.record(input, [])).rejects.toThrow(/at least one/);
    await expect(vit.record(input, [2, -1])).rejects.toThrow(/layer 2 twice/);
    await expect(
      vit.record(Tensor.from(new Float32Array(768).fill(Number.NaN), [1, 3, 16, 16]), [0]),
    ).rejects.toThrow(/NaN activation/);
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    await expect(vit.record(input, [0], { signal: stop.signal })).rejects.toThrow("enough");
    vit.dispose();
    await expect(vit.record(input, [0])).rejects.toThrow(/disposed/);
  });

  it("takes float16 and bfloat16 weights", async () => {
    // Powers of two are the same number in all three formats.
    const weights = new Map(
      [...tinyWeights(tinyClip)].map(([name, { data, shape }]) => [
        name,
        { shape, data: data.map((v) => Math.sign(v) * 2 ** Math.round(Math.log2(Math.abs(v) + 1e-3))) },
      ]),
    );
    await writeTinyClip(folder("f32"), tinyClip, weights);
    const input = Tensor.from(randomInput(tinyClip, 1), [1, 3, 16, 16]);
    using full = await ViT.load("clip", folder("f32"));
    const expected = (await full.record(input, [-1])).toFloat32Array();
    for (const dtype of ["float16", "bfloat16"] as const) {
      await writeTinyClip(folder(dtype), tinyClip, weights);
      const bits = (v: number) => {
        if (v === 0) return 0;
        const exponent = Math.round(Math.log2(Math.abs(v)));
        const sign = v < 0 ? 0x8000 : 0;
        return dtype === "float16" ? sign | ((exponent + 15) << 10) : sign | ((exponent + 127) << 7);
      };
      await writeSafetensors(
        path.join(folder(dtype), "open_clip_model.safetensors"),
        Object.fromEntries(
          [...weights].map(([name, { data, shape }]) => [
            name,
            Tensor.from(Uint16Array.from(data, bits), shape, dtype),
          ]),
        ),
      );
      using half = await ViT.load("clip", folder(dtype));
      expect((await half.record(input, [-1])).toFloat32Array()).toEqual(expected);
    }
  });
});

describe("ViT.load", () => {
  it("lists every tensor that does not fit in one line", async () => {
    const weights = new Map(tinyWeights(tinyClip));
    weights.delete("visual.ln_pre.bias");
    weights.delete("visual.transformer.resblocks.1.mlp.c_fc.bias");
    weights.set("visual.class_embedding", { data: new Float32Array(6), shape: [6] });
    weights.set("visual.odd", { data: new Float32Array(1), shape: [1] });
    weights.set("text.odd", { data: new Float32Array(1), shape: [1] });
    await writeTinyClip(folder("misfit"), tinyClip, weights);
    const error = await ViT.load("clip", folder("misfit")).catch((e: SaevError) => e);
    expect(error).toBeInstanceOf(SaevError);
    const { message, code } = error as SaevError;
    expect(code).toBe("BAD_FILE");
    expect(message).not.toContain("\n");
    expect(message).toContain("missing: visual.ln_pre.bias, visual.transformer.resblocks.1.mlp.c_fc.bias");
    expect(message).toContain("visual.class_embedding (expected floating point [12], found Float [6])");
    expect(message).toMatch(/unexpected: visual\.odd$/);
  });

  it("passes over what comes after the blocks: CoCa's attention pool", async () => {
    const weights = new Map(tinyWeights(tinyClip));
    // What torch.nn.MultiheadAttention saves when keys are wider than queries, as in open_clip's CoCa.
    for (const name of [
      "query",
      "attn.q_proj_weight",
      "attn.k_proj_weight",
      "attn.v_proj_weight",
      "attn.in_proj_bias",
    ])
      weights.set(`visual.attn_pool.${name}`, { data: new Float32Array(4), shape: [4] });
    await writeTinyClip(folder("coca"), tinyClip, weights);
    using vit = await ViT.load("clip", folder("coca"));
    expect(vit.nLayers).toBe(tinyClip.vision.layers);
  });

  it("names what is wrong with a folder, a config or a file", async () => {
    const message = (p: Promise<unknown>) =>
      p.then(
        () => "nothing",
        (e: Error) => e.message,
      );
    expect(await message(ViT.load("clip", "./gone"))).toMatch(/there is no such file or folder/);
    expect(await message(ViT.load("dinov9", root))).toMatch(/it runs clip/);
    expect(await message(ViT.load("clip", root))).toMatch(/expected open_clip_config.json/);

    await writeTinyClip(folder("broken"));
    const config = path.join(folder("broken"), "open_clip_config.json");
    const good = readFileSync(config, "utf8");
    const edited = async (edit: (c: { model_cfg: { vision_cfg: Record<string, unknown> } }) => void) => {
      const parsed = JSON.parse(good);
      edit(parsed);
      writeFileSync(config, JSON.stringify(parsed));
      return message(ViT.load("clip", folder("broken")));
    };
    expect(await edited((c) => (c.model_cfg.vision_cfg.width = -4))).toMatch(
      /model_cfg.vision_cfg.width: expected a whole number above 0, found -4/,
    );
    expect(await edited((c) => (c.model_cfg.vision_cfg.qk_norm = true))).toMatch(/qk_norm is set/);
    expect(await edited((c) => (c.model_cfg.vision_cfg.layers = [3, 4, 6, 3]))).toMatch(/ResNet/);
    expect(await edited((c) => (c.model_cfg.vision_cfg.width = 14))).toMatch(
      /width 14 is no multiple of the 3 heads/,
    );
    expect(await edited((c) => (c.model_cfg.vision_cfg.layers = 5))).toMatch(
      /missing: visual\.transformer\.resblocks\.\{3-4\}\.ln_1\.weight, .*\{3-4\}\.mlp\.c_proj\.bias$/,
    );
    expect(await edited((c) => Object.assign(c, { preprocess_cfg: { size: 20 } }))).toMatch(
      /gives 20 × 20 pixels/,
    );
    writeFileSync(config, "{ not json");
    expect(await message(ViT.load("clip", folder("broken")))).toMatch(/open_clip_config.json: .*JSON/);
    writeFileSync(config, good);
    const weights = path.join(folder("broken"), "open_clip_model.safetensors");
    copyFileSync(weights, `${weights}.whole`);
    truncateSync(weights, 3000);
    expect(await message(ViT.load("clip", folder("broken")))).toMatch(/open_clip_model\.safetensors/);
    rmSync(weights);
    expect(await message(ViT.load("clip", folder("broken")))).toMatch(
      /expected .*open_clip_model.safetensors .*in this folder/,
    );
  });
});
