import type { NativeTopKExamples } from "../native/top-k.js";
import type { Tensor } from "../tensor.js";

/**
 * Images that show where latents' meanings stop; n is `nExamples`, S the number of sampled images.
 *
 * - `counts` int64 `[d_sae]`: images in which the latent fires. `images` int64 and `values` float32 `[d_sae, n]`: a uniform
 *   sample of them and the value of each one's strongest patch, in no order that means anything; −1 and 0 where there are
 *   fewer.
 * - Patch values of example j of latent i are `mapValues` float32 at `mapPatches` int32, from `mapStarts[i · n + j]` to
 *   before `mapStarts[i · n + j + 1]`; the patches that fire, in order.
 * - `sampledImages` int64 `[S]`: a uniform sample of all images, ascending. `fired` uint8 `[d_sae, ⌈S / 8⌉]`: bit i % 8 of byte
 *   i / 8 is set when the latent fires in sampled image i; bits beyond S are 0.
 */
export type LatentExamples = { readonly [K in keyof NativeTopKExamples]: Tensor };
