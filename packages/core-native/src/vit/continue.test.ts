import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Tensor, ViT } from "../index.js";
import { checkContinuing } from "./testing/continuing.js";
import { norm, type Rows } from "./testing/plain-vit.js";
import { randomNumbers, tinyClip, tinyWeights, type Weights, writeTinyClip } from "./testing/tiny-clip.js";
import {
  tinyDinov2,
  tinySiglipWeights,
  tinyTimm,
  writeTinyDinov2,
  writeTinySiglip,
} from "./testing/tiny-timm.js";

process.env.OMP_NUM_THREADS = "1";

// float32 against float64: one norm, one pooling and one product of 12 terms after values of up to about 5.
const tolerance = 1e-5;

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), "saev-continue-"));
});
afterAll(() => rmSync(root, { recursive: true }));
const folder = (name: string) => path.join(root, name);

function randomInput(vit: ViT, n = 3): Tensor {
  const { height, width } = vit.transform;
  const random = randomNumbers(7);
  return Tensor.from(
    Float32Array.from({ length: n * 3 * height * width }, () => 2 * random()),
    [n, 3, height, width],
  );
}

/** The tokens of each picture in what a forward pass ends in. */
function rowsOf(tokens: Tensor): Rows[] {
  const [n, length, d] = tokens.shape as [number, number, number];
  const data = tokens.toFloat32Array();
  return Array.from({ length: n }, (_, image) =>
    Array.from({ length }, (_, t) => {
      const at = (image * length + t) * d;
      return [...data.subarray(at, at + d)];
    }),
  );
}

const linear = (x: number[], weights: Weights, name: string): number[] => {
  const weight = weights.get(`${name}.weight`)!.data;
  return Array.from(weights.get(`${name}.bias`)!.data, (bias, row) =>
    x.reduce((sum, v, i) => sum + v * weight[row * x.length + i]!, bias),
  );
};

function expectClose(ours: Tensor | undefined, theirs: Rows): void {
  expect(ours?.shape).toEqual([theirs.length, theirs[0]!.length]);
  const flat = theirs.flat();
  const worst = Math.max(...ours!.toFloat32Array().map((v, i) => Math.abs(v - flat[i]!)));
  expect(worst).toBeLessThan(tolerance);
}

/** CLIP's embedding: a norm before or after pooling, and the projection [d, 8]. */
function clipEmbedding(tokens: Rows, weights: Weights, mean: boolean, normAfter: boolean): number[] {
  const post = (x: number[]) =>
    norm(x, [weights.get("visual.ln_post.weight")!.data, weights.get("visual.ln_post.bias")!.data], 1e-5);
  const ready = normAfter ? tokens : tokens.map(post);
  const pooled = mean
    ? ready[0]!.map((_, i) => ready.slice(1).reduce((sum, t) => sum + t[i]!, 0) / (ready.length - 1))
    : ready[0]!;
  const x = normAfter ? post(pooled) : pooled;
  const proj = weights.get("visual.proj")!.data;
  return Array.from({ length: 8 }, (_, out) => x.reduce((sum, v, i) => sum + v * proj[i * 8 + out]!, 0));
}

describe("clip", () => {
  it.each([
    ["the CLS token", {}, false, false],
    ["the mean of the patches", { pool_type: "avg" }, true, false],
    ["a norm after pooling", { pool_type: "avg", final_ln_after_pool: true }, true, true],
  ] as const)("gives the embedding of the formula: %s", async (name, extra, mean, normAfter) => {
    const config = { vision: { ...tinyClip.vision, ...extra } };
    const weights = tinyWeights(config);
    await writeTinyClip(folder(name), config, weights);
    using vit = await ViT.load("clip", folder(name));
    expect(vit.dEmbedding).toBe(8);
    expect(vit.embeddingForm).toEqual({ pool: mean ? "mean" : "cls", projected: true });
    using input = randomInput(vit);
    using outputs = await vit.forward(input);
    expectClose(
      outputs.embedding,
      rowsOf(outputs.tokens).map((tokens) => clipEmbedding(tokens, weights, mean, normAfter)),
    );
    await checkContinuing(vit, input, name);
  });

  it("has no embedding without the norm after the last block, and for CoCa's pooling; all else works", async () => {
    const bare = new Map(tinyWeights(tinyClip));
    bare.delete("visual.ln_post.weight");
    await writeTinyClip(folder("bare"), tinyClip, bare);
    const coca = { vision: { ...tinyClip.vision, attentional_pool: true } };
    await writeTinyClip(folder("coca"), coca);
    for (const name of ["bare", "coca"]) {
      using vit = await ViT.load("clip", folder(name));
      expect([vit.dEmbedding, vit.embeddingForm]).toEqual([0, undefined]);
      using input = randomInput(vit);
      await checkContinuing(vit, input, name);
      using outputs = await vit.forward(input);
      expect(outputs.embedding).toBeUndefined();
    }
  });

  it("goes on in more than one group of images", async () => {
    // 2048 tokens go through the blocks at once: 409 pictures of five.
    await writeTinyClip(folder("many"));
    using vit = await ViT.load("clip", folder("many"));
    using input = randomInput(vit, 420);
    await checkContinuing(vit, input, "420 pictures");
  });

  it("says what is wrong", async () => {
    await writeTinyClip(folder("wrong"));
    using vit = await ViT.load("clip", folder("wrong"));
    using stream = Tensor.zeros([2, 5, 12]);
    await expect(vit.continueFrom(3, stream)).rejects.toThrow(/0 to 2, or -3 to -1\), found 3/);
    await expect(vit.continueFrom(0, Tensor.zeros([2, 4, 12]))).rejects.toThrow(
      /residual: expected float32 \[n ≥ 1, 5, 12\], found Float \[2, 4, 12\]/,
    );
    await expect(vit.continueFrom(0, stream, { replacement: Tensor.zeros([2, 3, 12]) })).rejects.toThrow(
      /replacement: expected float32 \[2, 5, 12\] or, of patches only, \[2, 4, 12\], found Float \[2, 3, 12\]/,
    );
    const nan = Tensor.from(new Float32Array(96).fill(Number.NaN), [2, 4, 12]);
    await expect(vit.continueFrom(0, stream, { replacement: nan })).rejects.toThrow(
      /layer 0 is continued from holds an infinite or NaN activation/,
    );
  });
});

describe("siglip", () => {
  /** timm's AttentionPoolLatent with one query. */
  function attend(tokens: Rows, weights: Weights, tanh: boolean): number[] {
    const at = "visual.trunk.attn_pool.";
    const pair = (name: string) =>
      [weights.get(`${name}.weight`)!.data, weights.get(`${name}.bias`)!.data] as const;
    const x = tokens.map((token) => norm(token, pair("visual.trunk.norm"), 1e-6));
    const query = linear([...weights.get(`${at}latent`)!.data], weights, `${at}q`);
    const kv = x.map((token) => linear(token, weights, `${at}kv`));
    const d = query.length;
    const width = d / tinyTimm.heads;
    const joined = query.map((_, i) => {
      const head = Math.floor(i / width) * width;
      const scores = kv.map((row) => {
        let sum = 0;
        for (let j = head; j < head + width; j++) sum += query[j]! * row[j]!;
        return Math.exp(sum / Math.sqrt(width));
      });
      const total = scores.reduce((a, b) => a + b, 0);
      return scores.reduce((sum, s, t) => sum + (s / total) * kv[t]![d + i]!, 0);
    });
    const out = linear(joined, weights, `${at}proj`);
    const hidden = linear(norm(out, pair(`${at}norm`), 1e-6), weights, `${at}mlp.fc1`);
    const act = (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
    if (!tanh) throw new Error("the formula here is the tanh GELU's");
    const mlp = linear(hidden.map(act), weights, `${at}mlp.fc2`);
    return out.map((v, i) => v + mlp[i]!);
  }

  it("pools by attention as the formula says", async () => {
    const weights = tinySiglipWeights(tinyTimm);
    const at = "visual.trunk.attn_pool.";
    const { d } = tinyTimm;
    weights.linear(`${at}kv`, 2 * d, d);
    weights.linear(`${at}proj`, d, d);
    weights.norm(`${at}norm`, d);
    weights.linear(`${at}mlp.fc1`, 2 * d, d);
    weights.linear(`${at}mlp.fc2`, d, 2 * d);
    await writeTinySiglip(folder("siglip"), tinyTimm, "gelu_tanh", weights);
    using vit = await ViT.load("siglip", folder("siglip"));
    expect([vit.dEmbedding, vit.embeddingForm]).toEqual([d, { pool: "attention", projected: false }]);
    using input = randomInput(vit);
    using outputs = await vit.forward(input);
    expectClose(
      outputs.embedding,
      rowsOf(outputs.tokens).map((tokens) => attend(tokens, weights, true)),
    );
    await checkContinuing(vit, input, "siglip");
  });

  it("has no embedding where pooling lacks tensors", async () => {
    await writeTinySiglip(folder("lacking"));
    using vit = await ViT.load("siglip", folder("lacking"));
    expect(vit.dEmbedding).toBe(0);
    using input = randomInput(vit);
    await checkContinuing(vit, input, "lacking");
  });

  it("takes the mean where the config says so", async () => {
    await writeTinySiglip(folder("gap"));
    const file = path.join(folder("gap"), "open_clip_config.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    config.model_cfg.vision_cfg.timm_pool = "avg";
    writeFileSync(file, JSON.stringify(config));
    using vit = await ViT.load("siglip", folder("gap"));
    expect(vit.embeddingForm).toEqual({ pool: "mean", projected: false });
  });
});

it("carries dinov2's registers from the layer on", async () => {
  await writeTinyDinov2(folder("dinov2"), { ...tinyDinov2, registers: 3 });
  using vit = await ViT.load("dinov2", folder("dinov2"));
  expect([vit.nRegisters, vit.dEmbedding]).toEqual([3, 12]);
  using input = randomInput(vit, 2);
  await checkContinuing(vit, input, "dinov2");
});
