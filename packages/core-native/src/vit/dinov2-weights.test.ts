import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { resolveModel } from "../hub/resolve.js";
import { Tensor, ViT, writeTensors } from "../index.js";
import { dinov2ConfigOfWeights } from "./dinov2-weights.js";
import { randomNumbers } from "./testing/tiny-clip.js";
import {
  RandomWeights,
  type TinyDinov2,
  tinyDinov2,
  tinyDinov2Weights,
  writeTinyDinov2,
} from "./testing/tiny-timm.js";

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "saev-dinov2-bare-"));
});
afterAll(() => rmSync(root, { recursive: true }));

const base: TinyDinov2 = { ...tinyDinov2, d: 128, heads: 2, hidden: 256 };
const kinds: Record<string, TinyDinov2> = {
  plain: base,
  "SwiGLU with registers": {
    ...base,
    ...{ swiglu: true, registers: 3 },
    kwargs: { interpolate_antialias: true, interpolate_offset: 0 },
  },
};

async function activations(ckpt: string): Promise<Float32Array> {
  using vit = await ViT.load("dinov2", ckpt);
  const random = randomNumbers(3);
  using input = Tensor.from(
    Float32Array.from({ length: 3 * 224 ** 2 }, () => random()),
    [1, 3, 224, 224],
  );
  using acts = await vit.record(input, [-1]);
  return acts.toFloat32Array();
}

it.each(Object.entries(kinds))("knows a bare .pth by what is in it: %s", async (kind, config) => {
  const whole = path.join(root, kind);
  await writeTinyDinov2(whole, config);
  const bare = path.join(root, `${kind}, bare`);
  mkdirSync(bare);
  const file = path.join(bare, "download.pth");
  copyFileSync(path.join(whole, "model.pth"), file);
  const expected = await activations(whole);
  expect(await activations(file)).toEqual(expected);
  expect(await activations(bare)).toEqual(expected);
  // Whoever names no family learns it from the file as well.
  const { config: found } = await resolveModel(undefined, file);
  expect(JSON.parse(found!.text)).toMatchObject({ embed_dim: 128, num_heads: 2, depth: config.layers });
});

it("reads the arguments of chunked blocks", () => {
  const weights = tinyDinov2Weights({ ...base, registers: 4, layers: 4 });
  const chunked = new RandomWeights();
  for (const [name, value] of weights)
    chunked.set(
      name.replace(/^blocks\.(\d+)/, (_, i) => `blocks.${i >> 1}.${i}`),
      value,
    );
  const text = dinov2ConfigOfWeights([...chunked.keys()], (name) => chunked.get(name)?.shape);
  expect(JSON.parse(text!)).toEqual({
    ...{ img_size: 280, patch_size: 56, embed_dim: 128, depth: 4, num_heads: 2, mlp_ratio: 2 },
    ...{ ffn_layer: "mlp", init_values: 1, block_chunks: 2, num_register_tokens: 4 },
    ...{ interpolate_antialias: true, interpolate_offset: 0 },
  });
});

it("takes nothing else for a dinov2", async () => {
  const without = async (name: string, edit: (weights: RandomWeights) => void) => {
    const weights = tinyDinov2Weights(base);
    edit(weights);
    const file = path.join(root, `${name}.pth`);
    await writeTensors(file, weights.tensors());
    await expect(resolveModel("dinov2", file), name).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringMatching(/expected config\.json beside it, found none/),
    });
  };
  await without("no LayerScale", (w) => {
    for (const name of [...w.keys()]) if (name.includes(".ls")) w.delete(name);
  });
  await without("no CLS", (w) => w.delete("cls_token"));
  await without("a missing block", (w) => {
    for (const name of [...w.keys()]) if (name.startsWith("blocks.1.")) w.delete(name);
  });
  await without("positions of no square", (w) =>
    w.set("pos_embed", { data: new Float32Array(128 * 6), shape: [1, 6, 128] }),
  );
});
