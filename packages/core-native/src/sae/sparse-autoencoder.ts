import { readdir } from "node:fs/promises";
import { SaevError } from "../errors.js";
import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import type { SaeExports } from "../native/sae.js";
import { Tensor } from "../tensor.js";
import { type Activation, fromNativeActivation, toNativeActivation } from "./activation.js";
import { type LoadOptions, loadCheckpoint } from "./checkpoint.js";
import { recogniseCheckpoint } from "./formats/index.js";
import { Latents } from "./latents.js";
import type { CheckpointConfig } from "./python-schemas.js";
import { type SaveOptions, saveCheckpoint } from "./save-checkpoint.js";
import { foldScaling, type Scaling } from "./scaling.js";
import { disposeTensors, fromNativeParams, type SaeTensors, toNativeParams } from "./tensors.js";

/**
 * What the encoder sees: `centred` is `(x − b_dec) W_enc + b_enc`, as trained here and by the Python package until July
 * 2025; `raw` is `x W_enc + b_enc`, the Python package's since.
 */
export type EncoderInput = "centred" | "raw";

/**
 * A sparse autoencoder: h = (x − b_dec) W_enc + b_enc, f what its activation makes of h (by default relu(h)),
 * x̂ = f W_dec + b_dec. Encoding yields the active latents only.
 */
export class SparseAutoencoder extends Resource<"SparseAutoencoder"> {
  /**
   * What was done in training to activations before this SAE saw them, where that is known: `encode` and `decode` are of scaled
   * ones. `save` writes it, `load` reads it, and other layouts have it folded in.
   */
  scaling: Scaling | undefined;
  /**
   * Sizes of the fixed groups that a Matryoshka SAE of dictionary_learning was trained with, in the latents' order, summing to
   * d_sae: latents do not depend on them. `save` writes them, and so does dictionary_learning's layout.
   */
  groupSizes: readonly number[] | undefined;
  /** @internal The header of the sae.pt that this SAE was read from: written in the same schema, the file has it again. */
  source: Readonly<Record<string, unknown>> | undefined;
  #info: ReturnType<SaeExports["saeInfo"]> | undefined;

  /** @internal */
  static fromHandle(handle: Handle<"SparseAutoencoder">): SparseAutoencoder {
    return new SparseAutoencoder(handle);
  }

  /**
   * An SAE from its four parameters, which are copied.
   * @param input what the encoder sees; default `centred`.
   * @param activation from pre-activations to latents; default ReLU.
   * @throws SaevError `SHAPE_MISMATCH` when the shapes do not fit, `NUMERIC` when a value is not finite,
   * `INVALID_ARGUMENT` when `topK` is not from 1 to d_sae.
   */
  static from(
    tensors: SaeTensors,
    input: EncoderInput = "centred",
    activation: Activation = { kind: "relu" },
  ): SparseAutoencoder {
    return new SparseAutoencoder(
      callSync(() =>
        addon().sparseAutoencoder(
          toNativeParams(tensors),
          input === "centred",
          toNativeActivation(activation),
        ),
      ),
    );
  }

  /**
   * Reads a checkpoint `sae.pt` of the Python package or of ours (see {@link loadCheckpoint} for its header), or a
   * folder of SAELens 6, sparsify or dictionary_learning; which it is, its content tells.
   * @throws SaevError `BAD_FILE`, `UNSUPPORTED`, `NUMERIC`, `NOT_FOUND`, `IO`.
   */
  static async load(path: string, options?: LoadOptions): Promise<SparseAutoencoder> {
    const format = await recogniseCheckpoint(path);
    if (format === undefined) {
      const inside = await readdir(path).catch(() => undefined);
      if (inside) throw noCheckpoint(path, inside);
      return (await loadCheckpoint(path, options)).sae;
    }
    if (options?.input === undefined) return format.read(path, options);
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${path}: a checkpoint of ${format.name} says what its encoder sees; leave input out`,
    );
  }

  /**
   * Writes a checkpoint that the Python package loads; see {@link saveCheckpoint}.
   * @param cfg further fields of the SAE's config, kept in the header.
   * @throws SaevError `UNSUPPORTED`, `IO`.
   */
  async save(path: string, cfg?: CheckpointConfig, options?: SaveOptions): Promise<void> {
    await saveCheckpoint(path, this, cfg, options);
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

  /** From pre-activations to latents. */
  get activation(): Activation {
    return fromNativeActivation(this.#meta().activation);
  }

  /** Copies of the parameters, the same bits as were given or trained. */
  tensors(): SaeTensors {
    this.alive();
    return fromNativeParams(callSync(() => addon().saeTensors(this.handle)));
  }

  /** A copy that sees activations as they are and has the same latents; `scaling` is folded into its parameters. */
  unscaled(): SparseAutoencoder {
    const own = this.tensors();
    if (this.scaling === undefined) {
      const copy = SparseAutoencoder.from(own, this.input, this.activation);
      copy.groupSizes = this.groupSizes;
      disposeTensors(own);
      return copy;
    }
    const folded = foldScaling(own, this.input === "centred", this.scaling);
    try {
      const copy = SparseAutoencoder.from(folded, this.input, this.activation);
      copy.groupSizes = this.groupSizes;
      return copy;
    } finally {
      disposeTensors(own);
      disposeTensors(folded);
    }
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

/** What a folder would have to hold, and what it holds. */
function noCheckpoint(folder: string, inside: readonly string[]): SaevError {
  const found = inside.includes("sae.pt")
    ? `found a run's folder; name ${folder}/sae.pt`
    : `found ${inside.length === 0 ? "an empty folder" : inside.slice(0, 8).join(", ")}`;
  return new SaevError(
    "BAD_FILE",
    `${folder}: expected a sae.pt, or a folder with sae_weights.safetensors and cfg.json of SAELens, sae.safetensors and cfg.json of ` +
      `sparsify, or ae.pt and config.json of dictionary_learning; ${found}`,
  );
}
