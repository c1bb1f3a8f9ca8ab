import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Tensor, writeSafetensors, writeTensors } from "../../index.js";
import { type Pair, type PlainBlock, plainBlocks, plainPatches, type Rows } from "./plain-vit.js";
import { randomNumbers, type Weights } from "./tiny-clip.js";

/** A ViT under timm's names, small enough to compute by hand. */
export interface TinyTimm {
  readonly image: number;
  readonly patch: number;
  readonly d: number;
  readonly layers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly layerScale?: boolean;
  readonly swiglu?: boolean;
}

export const tinyTimm: TinyTimm = { image: 16, patch: 8, d: 12, layers: 3, heads: 3, hidden: 30 };

/** Random weights: names to shapes and numbers. */
export class RandomWeights extends Map<string, { data: Float32Array; shape: number[] }> {
  readonly #random = randomNumbers(1);

  add(name: string, shape: number[], scale: number, offset = 0): void {
    const data = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => offset + scale * this.#random(),
    );
    this.set(name, { data, shape });
  }

  linear(name: string, out: number, from: number): void {
    this.add(`${name}.weight`, [out, from], 0.5);
    this.add(`${name}.bias`, [out], 0.3);
  }

  norm(name: string, d: number): void {
    this.add(`${name}.weight`, [d], 0.3, 1);
    this.add(`${name}.bias`, [d], 0.3);
  }

  /** Patch embedding and residual blocks; `at` begins every name. */
  trunk(at: string, { patch, d, layers, hidden, layerScale, swiglu }: TinyTimm): void {
    this.add(`${at}patch_embed.proj.weight`, [d, 3, patch, patch], 1.6 / patch);
    this.add(`${at}patch_embed.proj.bias`, [d], 0.3);
    for (let layer = 0; layer < layers; layer++) {
      const block = `${at}blocks.${layer}`;
      this.norm(`${block}.norm1`, d);
      this.linear(`${block}.attn.qkv`, 3 * d, d);
      this.linear(`${block}.attn.proj`, d, d);
      this.norm(`${block}.norm2`, d);
      this.linear(`${block}.mlp.${swiglu ? "w12" : "fc1"}`, swiglu ? 2 * hidden : hidden, d);
      this.linear(`${block}.mlp.${swiglu ? "w3" : "fc2"}`, d, hidden);
      if (!layerScale) continue;
      this.add(`${block}.ls1.gamma`, [d], 0.5, 0.5);
      this.add(`${block}.ls2.gamma`, [d], 0.5, 0.5);
    }
    this.norm(`${at}norm`, d);
  }

  tensors(): Record<string, Tensor> {
    return Object.fromEntries([...this].map(([name, { data, shape }]) => [name, Tensor.from(data, shape)]));
  }
}

/** `plainBlocks` under timm's names, for one image: `join` puts what enters the first block together from its patches. */
export function plainTimm(
  config: TinyTimm,
  mlp: "erf" | "tanh" | "swiglu",
  weights: Weights,
  at: string,
  pixels: Float32Array,
  join: (patches: Rows) => Rows,
): Rows[] {
  const { image, patch, d, heads, layers } = config;
  const find = (name: string) => weights.get(at + name)?.data;
  const pair = (...names: string[]): Pair => {
    const name = names.find((n) => find(`${n}.weight`))!;
    return [find(`${name}.weight`)!, find(`${name}.bias`)!];
  };
  const [kernel, bias] = pair("patch_embed.proj");
  const patches = plainPatches(pixels, [image, image], kernel, [d, patch], bias);
  const blocks = Array.from({ length: layers }, (_, layer): PlainBlock => {
    const block = `blocks.${layer}`;
    return {
      norm1: pair(`${block}.norm1`),
      qkv: pair(`${block}.attn.qkv`),
      proj: pair(`${block}.attn.proj`),
      norm2: pair(`${block}.norm2`),
      fc1: pair(`${block}.mlp.w12`, `${block}.mlp.fc1`),
      fc2: pair(`${block}.mlp.w3`, `${block}.mlp.fc2`),
      scale1: find(`${block}.ls1.gamma`),
      scale2: find(`${block}.ls2.gamma`),
    };
  });
  return plainBlocks({ d, heads, eps: 1e-6, mlp, blocks }, join(patches));
}

/** Weights of a SigLIP as open_clip saves them: timm's trunk, and beside it what is not used. */
export function tinySiglipWeights(config = tinyTimm): RandomWeights {
  const weights = new RandomWeights();
  const { image, patch, d } = config;
  weights.add("visual.trunk.pos_embed", [1, Math.floor(image / patch) ** 2, d], 1);
  weights.trunk("visual.trunk.", config);
  weights.add("visual.trunk.attn_pool.latent", [1, 1, d], 1);
  weights.linear("visual.trunk.attn_pool.q", d, d);
  weights.add("logit_scale", [], 1);
  weights.add("text.token_embedding.weight", [32, 4], 1);
  return weights;
}

/** Writes a SigLIP into `folder`, as it lies on a hub, with the file that describes its trunk. */
export async function writeTinySiglip(
  folder: string,
  config = tinyTimm,
  gelu: "gelu" | "gelu_tanh" = "gelu",
  weights = tinySiglipWeights(config),
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { image, patch, d, layers, heads, hidden } = config;
  const write = (name: string, value: object) =>
    writeFileSync(path.join(folder, name), JSON.stringify(value));
  write("open_clip_config.json", {
    model_cfg: {
      embed_dim: d,
      vision_cfg: {
        image_size: image,
        timm_model_name: `vit_tiny_patch${patch}_siglip_${image}`,
        timm_pool: "map",
        timm_proj: "none",
      },
      text_cfg: {},
    },
    preprocess_cfg: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resize_mode: "squash" },
  });
  write("timm_trunk.json", {
    model_args: {
      ...{ img_size: image, patch_size: patch, embed_dim: d, depth: layers, num_heads: heads },
      ...{ mlp_ratio: hidden / d, class_token: false, global_pool: "map", act_layer: gelu },
    },
  });
  await writeSafetensors(path.join(folder, "open_clip_model.safetensors"), weights.tensors());
}

/** A DINOv2 small enough to compute by hand: 16 patches of 56 pixels. */
export interface TinyDinov2 extends TinyTimm {
  /** Patches a side of the grid that positions are stored for. */
  readonly side: number;
  readonly registers: number;
  /** Into how many chunks the blocks are put; changes their names. */
  readonly chunks?: number;
  /** Further arguments of the constructor. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

export const tinyDinov2: TinyDinov2 = {
  ...{ image: 224, patch: 56, d: 12, layers: 3, heads: 3, hidden: 24, layerScale: true },
  ...{ side: 5, registers: 0 },
};

/** Weights of a DINOv2 as its own code saves them. */
export function tinyDinov2Weights(config = tinyDinov2): RandomWeights {
  const weights = new RandomWeights();
  const { d, side, registers } = config;
  weights.add("cls_token", [1, 1, d], 1);
  weights.add("pos_embed", [1, 1 + side ** 2, d], 1);
  if (registers > 0) weights.add("register_tokens", [1, registers, d], 1);
  weights.add("mask_token", [1, d], 1);
  weights.trunk("", config);
  return weights;
}

/** Writes a DINOv2 into `folder`: a state_dict, and the arguments of its constructor. */
export async function writeTinyDinov2(
  folder: string,
  config = tinyDinov2,
  weights = tinyDinov2Weights(config),
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { patch, d, layers, heads, hidden, side, registers, swiglu, layerScale, chunks } = config;
  const kwargs = {
    ...{ img_size: patch * side, patch_size: patch, embed_dim: d, depth: layers, num_heads: heads },
    // Two thirds of it, rounded up to a multiple of 8, are a SwiGLU's hidden width.
    mlp_ratio: swiglu ? (hidden * 1.5) / d : hidden / d,
    ...{ ffn_layer: swiglu ? "swiglufused" : "mlp", init_values: layerScale ? 1 : null },
    ...{ num_register_tokens: registers, block_chunks: chunks ?? 0 },
    ...config.kwargs,
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify({ kwargs }));
  await writeTensors(path.join(folder, "model.pth"), weights.tensors(), { ordered: true });
}
