import { SaevError } from "../errors.js";
import { type ResolveOptions, resolveModel } from "../hub/resolve.js";
import { TensorFile } from "../io/tensor-file.js";
import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import { Tensor } from "../tensor.js";
import { configOf } from "../vit/family.js";
import type { ViTLoadOptions } from "../vit/vit.js";
import { openTokenizer } from "./open-tokenizer.js";
import { parseTextConfig } from "./text-config.js";
import type { TextTokenizer } from "./text-tokenizer.js";

/** Options of {@link TextEncoder.load}: those of `ViT.load` that concern files. */
export type TextEncoderLoadOptions = Omit<ViTLoadOptions, "computeDtype">;

/**
 * The text tower of a CLIP or SigLIP checkpoint: gives texts vectors in the space of the pictures' embeddings
 * (`ViT.forward`). Computes in float32 on the CPU.
 *
 * ```ts
 * using encoder = await TextEncoder.load("models/clip-demo");
 * using vectors = await encoder.encode(["a lion", "a red apple"]); // [2, encoder.dEmbedding], of norm 1
 * ```
 */
export class TextEncoder extends Resource<"TextModel"> {
  private constructor(
    handle: Handle<"TextModel">,
    /** The folder it was loaded from. */
    readonly folder: string,
    /** Width of a vector. */
    readonly dEmbedding: number,
    /** Tokens of a text, with begin, end and padding; longer texts are cut. */
    readonly context: number,
    /** What cosines are multiplied with before a softmax; undefined where the file does not say. */
    readonly logitScale: number | undefined,
    /** @internal */
    readonly tokenizer: TextTokenizer,
  ) {
    super(handle);
  }

  /**
   * Loads a model's text tower and its tokeniser.
   * @param ckpt as of `ViT.load`, of a model in open_clip's layout.
   * @throws SaevError `NOT_FOUND` for a model without text tower and for a tokeniser that is not here; `UNSUPPORTED` for
   * towers of other kinds (those of transformers, CoCa's); `BAD_FILE`; as `resolveModel` for names and downloads.
   */
  static async load(ckpt: string, options: TextEncoderLoadOptions = {}): Promise<TextEncoder> {
    const { onDownload, onNote, offline, ssl, signal } = options;
    const resolve: ResolveOptions = { onProgress: onDownload, onNote, offline, ssl, signal };
    const model = await resolveModel(undefined, ckpt, resolve);
    const config = parseTextConfig(configOf(model));
    const tokenizer = await openTokenizer(model, config, resolve);
    const handle = await callAsync({ signal, onProgress: options.onProgress }, (control) =>
      addon().loadTextModel(model.weights, config.model, control),
    );
    const scale = callSync(() => addon().textModelLogitScale(handle));
    const { embedding, context } = config.model;
    return new TextEncoder(
      handle,
      model.folder,
      embedding,
      context,
      scale > 0 ? scale : undefined,
      tokenizer,
    );
  }

  /**
   * Why texts cannot be read with a model, as far as its config, its tokeniser and the names of its tensors tell: the weights
   * are not read. Undefined when nothing speaks against it.
   * @param ckpt as of {@link load}.
   */
  static async whyNot(ckpt: string, options: TextEncoderLoadOptions = {}): Promise<string | undefined> {
    const { onDownload, onNote, offline, ssl, signal } = options;
    const resolve: ResolveOptions = { onProgress: onDownload, onNote, offline, ssl, signal };
    try {
      const model = await resolveModel(undefined, ckpt, resolve);
      await openTokenizer(model, parseTextConfig(configOf(model)), resolve);
      for (const file of model.weights) {
        using opened = await TensorFile.open(file);
        if (opened.names().some((name) => name.endsWith("token_embedding.weight"))) return undefined;
      }
      return `${model.folder}: the weights have no text tower`;
    } catch (error) {
      if (error instanceof SaevError) return error.message;
      throw error;
    }
  }

  /**
   * The vectors of texts.
   * @returns float32 [texts, {@link dEmbedding}], rows of norm 1: the product of one with a picture's unit embedding is the
   * cosine that the model was trained on.
   * @throws SaevError `INVALID_ARGUMENT` for no texts, `NUMERIC`, `DISPOSED`.
   */
  async encode(texts: readonly string[], options?: LongCallOptions): Promise<Tensor> {
    this.alive();
    using tokens = this.tokenizer.encode(texts);
    return Tensor.fromHandle(
      await callAsync(options, (control) => addon().textModelEncode(this.handle, tokens.handle, control)),
    );
  }
}
