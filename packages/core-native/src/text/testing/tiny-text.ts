import { randomNumbers, type Weights } from "../../vit/testing/tiny-clip.js";

/** A text tower of open_clip's, small enough to compute by hand. */
export interface TinyText {
  readonly context_length: number;
  readonly vocab_size: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly no_causal_mask?: boolean;
  readonly pool_type?: "argmax" | "last" | "first";
  readonly proj_bias?: boolean;
}

/** With CLIP's own vocabulary. */
export const tinyText: TinyText = { context_length: 8, vocab_size: 49408, width: 16, heads: 2, layers: 1 };

/** Random weights for every tensor of the tower, with names and shapes as open_clip saves them. */
export function tinyTextWeights(config: TinyText, embedding: number, seed = 1): Weights {
  const random = randomNumbers(seed);
  const { width: d } = config;
  const weights = new Map<string, { data: Float32Array; shape: number[] }>();
  const add = (name: string, shape: number[], scale: number, offset = 0) => {
    const n = shape.reduce((a, b) => a * b, 1);
    weights.set(name, { data: Float32Array.from({ length: n }, () => offset + scale * random()), shape });
  };
  const norm = (name: string) => {
    add(`${name}.weight`, [d], 0.2, 1);
    add(`${name}.bias`, [d], 0.1);
  };
  add("token_embedding.weight", [config.vocab_size, d], 1);
  add("positional_embedding", [config.context_length, d], 0.1);
  for (let layer = 0; layer < config.layers; layer++) {
    const block = `transformer.resblocks.${layer}`;
    norm(`${block}.ln_1`);
    add(`${block}.attn.in_proj_weight`, [3 * d, d], 0.5);
    add(`${block}.attn.in_proj_bias`, [3 * d], 0.2);
    add(`${block}.attn.out_proj.weight`, [d, d], 0.8);
    add(`${block}.attn.out_proj.bias`, [d], 0.2);
    norm(`${block}.ln_2`);
    add(`${block}.mlp.c_fc.weight`, [4 * d, d], 0.5);
    add(`${block}.mlp.c_fc.bias`, [4 * d], 0.2);
    add(`${block}.mlp.c_proj.weight`, [d, 4 * d], 0.5);
    add(`${block}.mlp.c_proj.bias`, [d], 0.2);
  }
  norm("ln_final");
  if (config.proj_bias) {
    add("text_projection.weight", [embedding, d], 1);
    add("text_projection.bias", [embedding], 0.3);
  } else {
    add("text_projection", [d, embedding], 1);
  }
  return weights;
}
