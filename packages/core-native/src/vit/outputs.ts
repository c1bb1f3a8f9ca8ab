import type { Tensor } from "../tensor.js";

/** How a model makes one vector of its tokens. */
export interface EmbeddingForm {
  /** The CLS token, the mean of it and a distillation token, the mean of the patches, or attention with a learnt query. */
  readonly pool: "cls" | "first two" | "mean" | "attention";
  /** Whether a projection comes last, as in CLIPs, whose texts are projected into the same space. */
  readonly projected: boolean;
}

/** What a forward pass ends in. */
export class ViTOutputs implements Disposable {
  /** @internal */
  constructor(
    /** float32 [n, nTokens, dVit]: CLS, if there is one, and patches after the last block, before any final norm. */
    readonly tokens: Tensor,
    /**
     * float32 [n, dEmbedding]: the picture's vector as the family gives it, not normalised. Norms, pooling and, in models
     * that were trained with texts, the projection are the model's own; of classifiers, what enters the classifier.
     * Undefined for models that pool in a way that is not built, and for files that lack the tensors after the last block.
     */
    readonly embedding: Tensor | undefined,
  ) {}

  /** Frees both. */
  dispose(): void {
    this.tokens.dispose();
    this.embedding?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
