import type { Control, Handle } from "./addon.js";

/** Handles of an SAE's four parameters, float32. */
export interface NativeParams {
  readonly wEnc: Handle<"Tensor">;
  readonly bEnc: Handle<"Tensor">;
  readonly wDec: Handle<"Tensor">;
  readonly bDec: Handle<"Tensor">;
}

/** Active latents as compressed rows. */
export interface NativeLatents {
  readonly rowStart: Handle<"Tensor">;
  readonly latent: Handle<"Tensor">;
  readonly value: Handle<"Tensor">;
}

/** Sparse autoencoders: the addon's exports. */
export interface SaeExports {
  sparseAutoencoder(params: NativeParams, centred: boolean): Handle<"SparseAutoencoder">;
  saeInfo(sae: Handle<"SparseAutoencoder">): { dVit: number; dSae: number; centred: boolean };
  saeTensors(sae: Handle<"SparseAutoencoder">): NativeParams;
  saeEncode(sae: Handle<"SparseAutoencoder">, x: Handle<"Tensor">, control: Control): Promise<NativeLatents>;
  saeDecode(
    sae: Handle<"SparseAutoencoder">,
    latents: NativeLatents,
    control: Control,
  ): Promise<Handle<"Tensor">>;
}
