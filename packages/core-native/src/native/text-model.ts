import type { Control, Handle } from "./addon.js";

/** `native/text/text_model.h`. */
export interface NativeTextConfig {
  readonly context: number;
  readonly vocabulary: number;
  readonly width: number;
  readonly nLayers: number;
  readonly heads: number;
  readonly hidden: number;
  readonly embedding: number;
  readonly eps: number;
  readonly gelu: "erf" | "tanh" | "quick";
  readonly causal: boolean;
  readonly layerScale: boolean;
  readonly pool: "first" | "last" | "largest" | "end";
  readonly end: number;
  readonly projection: "none" | "matrix" | "linear";
}

/** Bindings of `native/bind/text_model.cc`. */
export interface TextModelExports {
  loadTextModel(
    paths: readonly string[],
    config: NativeTextConfig,
    control?: Control,
  ): Promise<Handle<"TextModel">>;
  /** 0 where the file does not say. */
  textModelLogitScale(model: Handle<"TextModel">): number;
  textModelEncode(
    model: Handle<"TextModel">,
    tokens: Handle<"Tensor">,
    control?: Control,
  ): Promise<Handle<"Tensor">>;
}
