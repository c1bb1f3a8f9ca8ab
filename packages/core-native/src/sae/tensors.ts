import type { NativeParams } from "../native/sae.js";
import { Tensor } from "../tensor.js";

/** The parameters of an SAE, float32, as checkpoints hold them. */
export interface SaeTensors {
  /** [d_vit, d_sae]; latent i is column i. */
  readonly wEnc: Tensor;
  /** [d_sae]; of a gated SAE its gate's. */
  readonly bEnc: Tensor;
  /** [d_sae, d_vit]; latent i is row i. */
  readonly wDec: Tensor;
  /** [d_vit]. */
  readonly bDec: Tensor;
  /** [d_sae] of a jump-relu SAE: what a latent must exceed. */
  readonly threshold?: Tensor;
  /** [d_sae] of a gated SAE: logarithm of the scale between gate and magnitude. */
  readonly rMag?: Tensor;
  /** [d_sae] of a gated SAE: its magnitudes' bias. */
  readonly bMag?: Tensor;
}

const names = ["wEnc", "bEnc", "wDec", "bDec", "threshold", "rMag", "bMag"] as const;

/** @internal */
export function fromNativeParams(native: NativeParams): SaeTensors {
  const there = names.flatMap((name) => {
    const handle = native[name];
    return handle === undefined ? [] : [[name, Tensor.fromHandle(handle)] as const];
  });
  return Object.fromEntries(there) as unknown as SaeTensors;
}

/** @internal */
export function toNativeParams(tensors: SaeTensors): NativeParams {
  const there = names.flatMap((name) => {
    const tensor = tensors[name];
    return tensor === undefined ? [] : [[name, tensor.handle] as const];
  });
  return Object.fromEntries(there) as unknown as NativeParams;
}

/** Frees all of them. */
export function disposeTensors(tensors: SaeTensors): void {
  for (const name of names) tensors[name]?.dispose();
}
