import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import { Tensor } from "../tensor.js";
import { Latents } from "./latents.js";

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

/**
 * What the encoder sees: `centred` is `(x − b_dec) W_enc + b_enc`, as trained here and by the Python package until July
 * 2025; `raw` is `x W_enc + b_enc`, the Python package's since.
 */
export type EncoderInput = "centred" | "raw";

/**
 * A sparse autoencoder: f = relu((x − b_dec) W_enc + b_enc), x̂ = f W_dec + b_dec. Encoding yields the active latents
 * only.
 */
export class SparseAutoencoder extends Resource<"SparseAutoencoder"> {
  #info: { dVit: number; dSae: number; centred: boolean } | undefined;

  /** @internal */
  static fromHandle(handle: Handle<"SparseAutoencoder">): SparseAutoencoder {
    return new SparseAutoencoder(handle);
  }

  /**
   * An SAE from its four parameters, which are copied.
   * @param input what the encoder sees; default `centred`.
   * @throws SaevError `SHAPE_MISMATCH` when the shapes do not fit, `NUMERIC` when a value is not finite.
   */
  static from(tensors: SaeTensors, input: EncoderInput = "centred"): SparseAutoencoder {
    return new SparseAutoencoder(
      callSync(() =>
        addon().sparseAutoencoder(
          {
            wEnc: tensors.wEnc.handle,
            bEnc: tensors.bEnc.handle,
            wDec: tensors.wDec.handle,
            bDec: tensors.bDec.handle,
          },
          input === "centred",
        ),
      ),
    );
  }

  /** Width of an activation. */
  get dVit(): number {
    return this.#meta().dVit;
  }

  /** Number of latents. */
  get dSae(): number {
    return this.#meta().dSae;
  }

  /** What the encoder sees. */
  get input(): EncoderInput {
    return this.#meta().centred ? "centred" : "raw";
  }

  /** Copies of the parameters, the same bits as were given or trained. */
  tensors(): SaeTensors {
    this.alive();
    const t = callSync(() => addon().saeTensors(this.handle));
    return {
      wEnc: Tensor.fromHandle(t.wEnc),
      bEnc: Tensor.fromHandle(t.bEnc),
      wDec: Tensor.fromHandle(t.wDec),
      bDec: Tensor.fromHandle(t.bDec),
    };
  }

  /**
   * Active latents f_x of the rows of `x`.
   * @param x float32 [rows, d_vit].
   * @throws SaevError `SHAPE_MISMATCH`.
   */
  async encode(x: Tensor, options?: LongCallOptions): Promise<Latents> {
    const dSae = this.dSae;
    const latents = await callAsync(options, (control) => addon().saeEncode(this.handle, x.handle, control));
    return Latents.fromNative(latents, dSae);
  }

  /** Reconstruction x̂ = f W_dec + b_dec, float32 [rows, d_vit]. @throws SaevError `SHAPE_MISMATCH`. */
  async decode(latents: Latents, options?: LongCallOptions): Promise<Tensor> {
    this.alive();
    const native = {
      rowStart: latents.rowStart.handle,
      latent: latents.latent.handle,
      value: latents.value.handle,
    };
    return Tensor.fromHandle(
      await callAsync(options, (control) => addon().saeDecode(this.handle, native, control)),
    );
  }

  #meta() {
    this.alive();
    this.#info ??= callSync(() => addon().saeInfo(this.handle));
    return this.#info;
  }
}
