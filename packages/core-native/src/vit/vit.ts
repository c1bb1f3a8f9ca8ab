import { SaevError } from "../errors.js";
import type { DownloadProgress } from "../hub/download.js";
import { type ResolveOptions, resolveModel } from "../hub/resolve.js";
import { decodeImage } from "../images/decode.js";
import type { Pixels } from "../images/pixels.js";
import type { Transform } from "../images/transform.js";
import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import type { NativeVisionModelInfo } from "../native/vision-model.js";
import { Tensor } from "../tensor.js";
import { familyFor, familyOf } from "./families.js";
import { resolveLayer, resolveLayers } from "./layers.js";
import { type EmbeddingForm, ViTOutputs } from "./outputs.js";

export interface ViTLoadOptions extends LongCallOptions {
  /** Called as files are downloaded. */
  readonly onDownload?: ((progress: DownloadProgress) => void) | undefined;
  /** Called with things worth saying about a download: a retry and why, a cached copy used for want of a network. */
  readonly onNote?: ((note: string) => void) | undefined;
  /** Use only what is on this machine; default: `HF_HUB_OFFLINE`. */
  readonly offline?: boolean | undefined;
  /**
   * What products multiply; sums, norms, attention and what is recorded are float32 in any case. "bfloat16" is about
   * twice as fast, costs accuracy (docs/performance.md) and needs a CPU with AVX512-BF16. Default: "float32".
   */
  readonly computeDtype?: "float32" | "bfloat16" | undefined;
  /** Whether servers must show a valid certificate; default true. */
  readonly ssl?: boolean | undefined;
}

export interface ContinueOptions extends LongCallOptions {
  /**
   * What takes the place of the layer's activations: float32 [n, nTokens, dVit], CLS and patches in the form of
   * {@link ViT.record}, or [n, nPatches, dVit], patches only. Default: nothing.
   */
  readonly replacement?: Tensor | undefined;
}

/**
 * A vision transformer whose residual blocks can be recorded. Computes on the CPU.
 *
 * ```ts
 * using vit = await ViT.load("clip", "models/clip-demo");
 * using input = await vit.preprocess(["cat.jpg", "dog.png"]);
 * using acts = await vit.record(input, [-2]); // [2, 1, vit.nTokens, vit.dVit]
 * ```
 */
export class ViT extends Resource<"VisionModel"> {
  readonly #info: NativeVisionModelInfo;

  private constructor(
    handle: Handle<"VisionModel">,
    /** The family, as in `vit_family`. */
    readonly family: string,
    /** The folder it was loaded from. */
    readonly folder: string,
    /** What is done to a picture before the first layer. */
    readonly transform: Transform,
  ) {
    super(handle);
    this.#info = callSync(() => addon().visionModelInfo(handle));
    if (this.#info.height !== transform.height || this.#info.width !== transform.width) {
      this.dispose();
      throw new SaevError(
        "BAD_FILE",
        `${folder}: the preprocessing gives ${transform.width} × ${transform.height} pixels, the model takes ` +
          `${this.#info.width} × ${this.#info.height}`,
      );
    }
  }

  /**
   * Loads a model.
   * @param family "clip", "siglip", "dinov2", "dinov3", "vit", "eva" or "pe".
   * @param ckpt a pretrained tag ("ViT-B-16/openai"), a repository ("hf-hub:org/name"), a name of torch.hub
   * ("dinov2_vitb14_reg"), or a path: of a folder with `open_clip_config.json` and `open_clip_model.safetensors`, with
   * `config.json` and `model.safetensors`, or, for "dinov2", with `config.json` and `model.pth`. What is not here is
   * downloaded into the caches of Python's tools.
   * @throws SaevError `UNSUPPORTED` for other families, and for bfloat16 where the CPU or the model does not have it; as
   * {@link resolveModel} for names and downloads; `BAD_FILE` with a list of all tensors that are missing, misshapen or
   * unexpected.
   */
  static async load(family: string, ckpt: string, options: ViTLoadOptions = {}): Promise<ViT> {
    familyOf(family); // before anything is looked for
    const { onDownload, onNote, offline, ssl, signal } = options;
    const resolve: ResolveOptions = { onProgress: onDownload, onNote, offline, ssl, signal };
    const model = await resolveModel(family, ckpt, resolve);
    const { handle, transform } = await familyFor(family, model.config).load(model, {
      signal,
      onProgress: options.onProgress,
    });
    const vit = new ViT(handle, family, model.folder, transform);
    try {
      await callAsync({ signal }, (control) =>
        addon().visionModelPrepare(handle, options.computeDtype ?? "float32", control),
      );
    } catch (error) {
      vit.dispose();
      throw error;
    }
    return vit;
  }

  /** Residual blocks. */
  get nLayers(): number {
    return this.#info.nLayers;
  }

  /** Width of an activation. */
  get dVit(): number {
    return this.#info.dVit;
  }

  /** Patches of a picture, row by row from the top left. */
  get nPatches(): number {
    return this.#info.nPatches;
  }

  /** Whether a CLS token comes before the patches. */
  get clsToken(): boolean {
    return this.#info.clsToken;
  }

  /** Tokens of a picture in a record: CLS, if there is one, and patches. */
  get nTokens(): number {
    return this.nPatches + (this.clsToken ? 1 : 0);
  }

  /**
   * Decodes and transforms pictures.
   * @param images paths, bytes of files, or decoded pixels.
   * @returns float32 [images, 3, height, width].
   * @throws SaevError as {@link decodeImage}; `INVALID_ARGUMENT` for no pictures.
   */
  async preprocess(
    images: readonly (string | Uint8Array | Pixels)[],
    options: LongCallOptions = {},
  ): Promise<Tensor> {
    if (images.length === 0) throw new SaevError("INVALID_ARGUMENT", "images: expected at least one");
    const batch = this.emptyBatch(images.length);
    for (const [row, image] of images.entries()) {
      const decode = typeof image === "string" || image instanceof Uint8Array;
      const pixels = decode ? await decodeImage(image, { signal: options.signal }) : image;
      await this.preprocessInto(pixels, batch, row, options);
    }
    return batch;
  }

  /** @internal A batch to be filled row by row. */
  emptyBatch(n: number): Tensor {
    const { height, width } = this.#info;
    return Tensor.zeros([n, 3, height, width]);
  }

  /**
   * @internal Decodes and transforms a JPEG of the usual kinds into row `row` of `batch`, on a thread of its own.
   * @returns false for everything else, damaged files too: then `decodeImage` has its turn.
   */
  preprocessJpegInto(
    source: string | Uint8Array,
    batch: Tensor,
    row: number,
    options: LongCallOptions & { readonly maxPixels: number },
  ): Promise<boolean> {
    return callAsync({ signal: options.signal }, (control) =>
      addon().preprocessJpegInto(source, this.transform, batch.handle, row, options.maxPixels, control),
    );
  }

  /** @internal Transforms `pixels` into row `row` of `batch`. */
  preprocessInto(pixels: Pixels, batch: Tensor, row: number, options?: LongCallOptions): Promise<void> {
    return callAsync({ signal: options?.signal }, (control) =>
      addon().preprocessInto(pixels, this.transform, batch.handle, row, control),
    );
  }

  /**
   * The outputs of residual blocks, after each MLP's addition and before any final norm.
   * @param input float32 [n, 3, height, width], as {@link preprocess} gives it.
   * @param layers indices of blocks, in any order, negative ones from the end. Blocks after the deepest are not run.
   * @returns float32 [n, layers, nTokens, dVit], layers in the order asked for; CLS first, then patches.
   * @throws SaevError `SHAPE_MISMATCH`, `INVALID_ARGUMENT` for a layer that is not there, `NUMERIC` for an infinite or NaN
   * activation, `DISPOSED`.
   */
  async record(input: Tensor, layers: readonly number[], options?: LongCallOptions): Promise<Tensor> {
    this.alive();
    const resolved = resolveLayers(layers, this.nLayers);
    return Tensor.fromHandle(
      await callAsync(options, (control) =>
        addon().visionModelRecord(this.handle, input.handle, resolved, control),
      ),
    );
  }

  /** Register tokens between CLS and patches, which {@link record} leaves out. */
  get nRegisters(): number {
    return this.#info.nRegisters;
  }

  /** Width of {@link ViTOutputs.embedding}; 0 for a model without one. */
  get dEmbedding(): number {
    return this.#info.dEmbedding;
  }

  /** How tokens become the embedding; undefined for a model without one. */
  get embeddingForm(): EmbeddingForm | undefined {
    const { pool, projected } = this.#info;
    return pool === "none" ? undefined : { pool, projected };
  }

  /**
   * The residual stream after a block, whole: what {@link record} gives for the layer, and the register tokens that it
   * leaves out. The forward pass goes on from here with {@link continueFrom}.
   * @param input float32 [n, 3, height, width], as {@link preprocess} gives it.
   * @param layer index of a block, a negative one from the end.
   * @returns float32 [n, tokens, dVit]: CLS, if there is one, `nRegisters` registers, patches.
   * @throws SaevError as {@link record}.
   */
  async residual(input: Tensor, layer: number, options?: LongCallOptions): Promise<Tensor> {
    this.alive();
    const at = resolveLayer(layer, this.nLayers);
    return Tensor.fromHandle(
      await callAsync(options, (control) =>
        addon().visionModelResidual(this.handle, input.handle, at, control),
      ),
    );
  }

  /**
   * Goes on with the forward pass after a block, with other activations in its place: what an SAE's reconstruction, or a
   * change to it, does to the model's output. Computes in float32 (with `computeDtype` "bfloat16", as {@link record} does).
   *
   * ```ts
   * using stream = await vit.residual(input, -2);
   * using before = await vit.continueFrom(-2, stream);
   * using after = await vit.continueFrom(-2, stream, { replacement: reconstructed });
   * ```
   * @param layer the block whose output `residual` is, a negative one from the end.
   * @param residual float32 [n, tokens, dVit] of {@link residual}; it is not changed. Of a model without registers,
   * [n, nTokens, dVit] of {@link record} is the same.
   * @returns without a replacement, `tokens` has the bits that {@link record} gives for the last layer, when `n` is the same.
   * @throws SaevError `SHAPE_MISMATCH`, `INVALID_ARGUMENT` for a layer that is not there, `NUMERIC` for an infinite or NaN
   * activation, given or computed, `DISPOSED`.
   */
  async continueFrom(layer: number, residual: Tensor, options: ContinueOptions = {}): Promise<ViTOutputs> {
    this.alive();
    const at = resolveLayer(layer, this.nLayers);
    const { replacement, ...call } = options;
    const found = await callAsync(call, (control) =>
      addon().visionModelContinue(this.handle, residual.handle, replacement?.handle, at, control),
    );
    return new ViTOutputs(
      Tensor.fromHandle(found.tokens),
      found.embedding && Tensor.fromHandle(found.embedding),
    );
  }

  /** The whole forward pass: {@link continueFrom} the last block. */
  async forward(input: Tensor, options: LongCallOptions = {}): Promise<ViTOutputs> {
    using last = await this.residual(input, -1, options);
    return this.continueFrom(-1, last, options);
  }

  /** What enters the first block: float32 [n, tokens, dVit], register tokens included. */
  async embed(input: Tensor, options?: LongCallOptions): Promise<Tensor> {
    this.alive();
    return Tensor.fromHandle(
      await callAsync(options, (control) => addon().visionModelEmbed(this.handle, input.handle, control)),
    );
  }
}
