import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Tensor, writeSafetensors } from "../../index.js";

/** A CLIP vision tower small enough to compute by hand, as open_clip's config describes it. */
export interface TinyClip {
  readonly vision: Readonly<Record<string, unknown>> & {
    readonly image_size: number | readonly [number, number];
    readonly patch_size: number;
    readonly width: number;
    readonly layers: number;
    readonly head_width: number;
    readonly mlp_ratio: number;
  };
  readonly quickGelu?: boolean;
  readonly preprocess?: Readonly<Record<string, unknown>>;
}

export const tinyClip: TinyClip = {
  vision: { image_size: 16, patch_size: 8, width: 12, layers: 3, head_width: 4, mlp_ratio: 2.5 },
};

/** Reproducible numbers in [−1, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  };
}

export type Weights = ReadonlyMap<string, { readonly data: Float32Array; readonly shape: readonly number[] }>;

/** Sizes that follow from a config. */
export function sizesOf({ vision }: TinyClip) {
  const [height, width] =
    typeof vision.image_size === "number" ? [vision.image_size, vision.image_size] : vision.image_size;
  const patches = Math.floor(height / vision.patch_size) * Math.floor(width / vision.patch_size);
  return { height, width, patches, d: vision.width, hidden: Math.trunc(vision.width * vision.mlp_ratio) };
}

/**
 * Random weights for every tensor of the tower, with names and shapes as open_clip saves them. `matrices` scales those of
 * products, which a wide model needs smaller.
 */
export function tinyWeights(config: TinyClip, seed = 1, matrices = 1): Weights {
  const random = randomNumbers(seed);
  const { patches, d, hidden } = sizesOf(config);
  const p = config.vision.patch_size;
  const weights = new Map<string, { data: Float32Array; shape: number[] }>();
  const add = (name: string, shape: number[], scale: number, offset = 0) => {
    const size = name.endsWith("weight") && shape.length > 1 ? scale * matrices : scale;
    const data = Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => offset + size * random(),
    );
    weights.set(`visual.${name}`, { data, shape });
  };
  const norm = (name: string) => {
    add(`${name}.weight`, [d], 0.3, 1);
    add(`${name}.bias`, [d], 0.3);
  };
  add("class_embedding", [d], 1);
  add("positional_embedding", [patches + 1, d], 1);
  add("conv1.weight", [d, 3, p, p], 0.2);
  if (!config.vision.no_ln_pre) norm("ln_pre");
  for (let layer = 0; layer < config.vision.layers; layer++) {
    const block = `transformer.resblocks.${layer}`;
    norm(`${block}.ln_1`);
    add(`${block}.attn.in_proj_weight`, [3 * d, d], 0.5);
    add(`${block}.attn.in_proj_bias`, [3 * d], 0.3);
    add(`${block}.attn.out_proj.weight`, [d, d], 0.4);
    add(`${block}.attn.out_proj.bias`, [d], 0.3);
    norm(`${block}.ln_2`);
    add(`${block}.mlp.c_fc.weight`, [hidden, d], 0.5);
    add(`${block}.mlp.c_fc.bias`, [hidden], 0.3);
    add(`${block}.mlp.c_proj.weight`, [d, hidden], 0.4);
    add(`${block}.mlp.c_proj.bias`, [d], 0.3);
    if (config.vision.ls_init_value) {
      add(`${block}.ls_1.gamma`, [d], 0.5, 0.5);
      add(`${block}.ls_2.gamma`, [d], 0.5, 0.5);
    }
  }
  norm("ln_post");
  add("proj", [d, 8], 0.3);
  return weights;
}

/** Writes config and weights into `folder`, as they lie on a hub. */
export async function writeTinyClip(
  folder: string,
  config = tinyClip,
  weights = tinyWeights(config),
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { vision, quickGelu, preprocess } = config;
  writeFileSync(
    path.join(folder, "open_clip_config.json"),
    JSON.stringify({
      model_cfg: { embed_dim: 8, vision_cfg: vision, text_cfg: {}, ...(quickGelu && { quick_gelu: true }) },
      ...(preprocess && { preprocess_cfg: preprocess }),
    }),
  );
  await writeSafetensors(
    path.join(folder, "open_clip_model.safetensors"),
    Object.fromEntries([...weights].map(([name, { data, shape }]) => [name, Tensor.from(data, shape)])),
  );
}
