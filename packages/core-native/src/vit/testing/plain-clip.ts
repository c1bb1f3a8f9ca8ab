import { norm, type Pair, plainBlocks, plainPatches, type Rows } from "./plain-vit.js";
import { sizesOf, type TinyClip, type Weights } from "./tiny-clip.js";

/** `plainBlocks` of open_clip's vision tower, for one image `pixels` [3, height, width]. */
export function plainClip(config: TinyClip, weights: Weights, pixels: Float32Array): Rows[] {
  const { vision } = config;
  const { height, width, d } = sizesOf(config);
  const get = (name: string) => weights.get(`visual.${name}`)!.data;
  const pair = (name: string): Pair => [get(`${name}.weight`), get(`${name}.bias`)];
  const eps = ((vision.norm_kwargs as { eps?: number } | undefined)?.eps ?? 1e-5) as number;
  const position = get("positional_embedding");
  const patches = plainPatches(pixels, [height, width], get("conv1.weight"), [d, vision.patch_size]);
  const embedded = [[...get("class_embedding")], ...patches].map((token, t) =>
    token.map((v, i) => v + position[t * d + i]!),
  );
  const blocks = Array.from({ length: vision.layers }, (_, layer) => {
    const at = `transformer.resblocks.${layer}`;
    return {
      norm1: pair(`${at}.ln_1`),
      qkv: [get(`${at}.attn.in_proj_weight`), get(`${at}.attn.in_proj_bias`)] as Pair,
      proj: pair(`${at}.attn.out_proj`),
      norm2: pair(`${at}.ln_2`),
      fc1: pair(`${at}.mlp.c_fc`),
      fc2: pair(`${at}.mlp.c_proj`),
      scale1: weights.get(`visual.${at}.ls_1.gamma`)?.data,
      scale2: weights.get(`visual.${at}.ls_2.gamma`)?.data,
    };
  });
  const model = {
    d,
    heads: d / vision.head_width,
    eps,
    mlp: config.quickGelu ? "quick" : "erf",
    blocks,
  } as const;
  return plainBlocks(
    model,
    vision.no_ln_pre ? embedded : embedded.map((token) => norm(token, pair("ln_pre"), eps)),
  );
}
