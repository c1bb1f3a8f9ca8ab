import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Tensor, TextEncoder, writeSafetensors } from "../index.js";
import { norm, type Pair, plainBlocks } from "../vit/testing/plain-vit.js";
import type { Weights } from "../vit/testing/tiny-clip.js";
import { type TinyText, tinyText, tinyTextWeights } from "./testing/tiny-text.js";

process.env.OMP_NUM_THREADS = "1";

const embedding = 6;
const folder = mkdtempSync(path.join(tmpdir(), "saev-plain-text-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Of unit vectors, against float64: two blocks of float32 sums over at most 64 terms of size 1. */
const tolerance = 2e-6;

/** The formula of a text tower in float64, all tokens of the context, whatever the tower's own code leaves out. */
function plainText(config: TinyText, weights: Weights, tokens: readonly number[]): number[] {
  const { width: d } = config;
  const get = (name: string) => weights.get(name)!.data;
  const pair = (name: string): Pair => [get(`${name}.weight`), get(`${name}.bias`)];
  const words = get("token_embedding.weight");
  const positions = get("positional_embedding");
  const embedded = tokens.map((token, t) =>
    Array.from({ length: d }, (_, k) => words[token * d + k]! + positions[t * d + k]!),
  );
  const blocks = Array.from({ length: config.layers }, (_, layer) => {
    const at = `transformer.resblocks.${layer}`;
    return {
      norm1: pair(`${at}.ln_1`),
      qkv: [get(`${at}.attn.in_proj_weight`), get(`${at}.attn.in_proj_bias`)] as Pair,
      proj: pair(`${at}.attn.out_proj`),
      norm2: pair(`${at}.ln_2`),
      fc1: pair(`${at}.mlp.c_fc`),
      fc2: pair(`${at}.mlp.c_proj`),
    };
  });
  const model = {
    d,
    heads: config.heads,
    eps: 1e-5,
    mlp: "erf",
    causal: !config.no_causal_mask,
    blocks,
  } as const;
  const last = plainBlocks(model, embedded).at(-1)!;
  const pooled = {
    argmax: tokens.indexOf(Math.max(...tokens)),
    last: tokens.length - 1,
    first: 0,
  }[config.pool_type ?? "argmax"];
  const x = norm(last[pooled]!, pair("ln_final"), 1e-5);
  const [matrix, bias] = config.proj_bias ? pair("text_projection") : [get("text_projection"), undefined];
  const out = Array.from({ length: embedding }, (_, o) =>
    x.reduce(
      (sum, v, k) => sum + v * (config.proj_bias ? matrix[o * d + k]! : matrix[k * embedding + o]!),
      bias?.[o] ?? 0,
    ),
  );
  const length = Math.hypot(...out);
  return out.map((v) => v / length);
}

describe.each<readonly [string, Partial<TinyText>]>([
  ["causal, as CLIP's", { layers: 2 }],
  [
    "the last of all tokens, with a bias, as SigLIP's",
    { no_causal_mask: true, pool_type: "last", proj_bias: true },
  ],
  ["the first of all tokens", { no_causal_mask: true, pool_type: "first" }],
])("a text tower: %s", (name, part) => {
  const config = { ...tinyText, ...part };
  const weights = tinyTextWeights(config, embedding, 5);
  const texts = ["a cat", "", "one two three four five six seven eight nine", "dog"];

  it("computes the formula", async () => {
    const model = path.join(folder, name.replaceAll(/\W/g, "-"));
    await write(model, config, weights);
    using encoder = await TextEncoder.load(model);
    using encoded = await encoder.encode(texts);
    const ours = encoded.toFloat32Array();
    expect(encoder.logitScale).toBeUndefined();
    for (const [i, text] of texts.entries()) {
      const expected = plainText(config, weights, encoder.tokenizer.tokens(text));
      for (const [k, v] of expected.entries())
        expect(Math.abs(ours[i * embedding + k]! - v), `${text}, ${k}`).toBeLessThan(tolerance);
    }
  });
});

it("a text tower whose tensors do not fit is refused, all of them in one line", async () => {
  const model = path.join(folder, "wrong");
  const weights = new Map(tinyTextWeights(tinyText, embedding));
  weights.delete("ln_final.bias");
  weights.set("positional_embedding", { data: new Float32Array(16), shape: [1, 16] });
  await write(model, tinyText, weights);
  await expect(TextEncoder.load(model)).rejects.toMatchObject({
    code: "BAD_FILE",
    message: expect.stringMatching(/missing: ln_final\.bias; of another shape: positional_embedding/),
  });
});

async function write(model: string, text: TinyText, weights: Weights): Promise<void> {
  mkdirSync(model);
  writeFileSync(
    path.join(model, "open_clip_config.json"),
    JSON.stringify({ model_cfg: { embed_dim: embedding, vision_cfg: {}, text_cfg: text } }),
  );
  await writeSafetensors(
    path.join(model, "open_clip_model.safetensors"),
    Object.fromEntries([...weights].map(([name, { data, shape }]) => [name, Tensor.from(data, shape)])),
  );
}
