import type { NativeParams } from "../native/sae.js";
import { Tensor } from "../tensor.js";

/** The parameters of an SAE, float32, as checkpoints hold them. */
export interface SaeTensors {
  /** [d_vit, d_sae]; latent i is column i. */
  readonly wEnc: Tensor;
  /** [d_sae]. */
  readonly bEnc: Tensor;
  /** [d_sae, d_vit]; latent i is row i. */
  readonly wDec: Tensor;
  /** [d_vit]. */
  readonly bDec: Tensor;
}

/** @internal */
export const fromNativeParams = (native: NativeParams): SaeTensors => ({
  wEnc: Tensor.fromHandle(native.wEnc),
  bEnc: Tensor.fromHandle(native.bEnc),
  wDec: Tensor.fromHandle(native.wDec),
  bDec: Tensor.fromHandle(native.bDec),
});

/** @internal */
export const toNativeParams = (tensors: SaeTensors): NativeParams => ({
  wEnc: tensors.wEnc.handle,
  bEnc: tensors.bEnc.handle,
  wDec: tensors.wDec.handle,
  bDec: tensors.bDec.handle,
});

/** Frees all four. */
export function disposeTensors(tensors: SaeTensors): void {
  for (const tensor of [tensors.wEnc, tensors.bEnc, tensors.wDec, tensors.bDec]) tensor.dispose();
}
