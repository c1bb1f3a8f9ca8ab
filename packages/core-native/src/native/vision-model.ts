import type { Control, Handle } from "./addon.js";

/** `native/vit/head.h`: what comes after the last block. */
export interface NativeHead {
  readonly pool: "none" | "auto" | "cls" | "first two" | "mean" | "attention";
  /** Whether the mean is of all tokens, and not of patches only. */
  readonly wholeMean: boolean;
  /** The same of attention. */
  readonly wholeAttention: boolean;
  /** Of pooling by attention. */
  readonly heads: number;
  /** Of its MLP. */
  readonly gelu: "erf" | "tanh" | "quick";
}

/** `native/vit/model_sizes.h`. */
export interface NativeModelSizes {
  readonly height: number;
  readonly width: number;
  readonly patchHeight: number;
  readonly patchWidth: number;
  readonly nLayers: number;
  readonly dVit: number;
  readonly heads: number;
  readonly hidden: number;
  readonly eps: number;
  readonly gelu: "erf" | "tanh" | "quick";
  readonly head: NativeHead;
}

/** `native/vit/clip.h`. */
export interface NativeClipConfig extends NativeModelSizes {
  readonly normBeforeBlocks: boolean;
  readonly normAfterPool: boolean;
  readonly layerScale: boolean;
}

/** `native/vit/dinov2.h`. */
export interface NativeDinov2Config extends NativeModelSizes {
  readonly positionsSide: number;
  readonly nRegisters: number;
  readonly layerScale: boolean;
  readonly swiglu: boolean;
  readonly antialias: boolean;
  readonly offset: number;
  readonly layersPerChunk: number;
  readonly transformers: boolean;
  readonly qkvBias: boolean;
}

/** `native/vit/dinov3.h`. */
export interface NativeDinov3Config extends NativeModelSizes {
  readonly nRegisters: number;
  readonly ropeTheta: number;
  readonly swiglu: boolean;
  readonly queryBias: boolean;
  readonly keyBias: boolean;
  readonly valueBias: boolean;
}

/** `native/vit/vit.h`. */
export interface NativeVitConfig extends NativeModelSizes {
  readonly transformers: boolean;
  readonly clsToken: boolean;
  readonly distilled: boolean;
  readonly nRegisters: number;
  readonly prefixPositions: boolean;
  readonly normBeforeBlocks: boolean;
  readonly layerScale: boolean;
  readonly qkvBias: boolean;
  readonly swiglu: boolean;
}

/** `native/vit/eva.h`. */
export interface NativeEvaConfig extends NativeModelSizes {
  readonly splitQkv: boolean;
  readonly swiglu: boolean;
  readonly innerNorms: boolean;
  readonly postNorm: boolean;
  readonly ropeSide: number;
}

/** `native/vit/perception_encoder.h`. */
export interface NativePerceptionEncoderConfig extends NativeModelSizes {
  readonly clsToken: boolean;
  readonly layerScale: boolean;
  readonly ropeSide: number;
  readonly ropeOffset: number;
}

/** `native/vit/position_interpolation.h`. */
export interface NativePositionInterpolation {
  readonly rows: number;
  readonly columns: number;
  readonly antialias: boolean;
  readonly offset: number;
}

/** `native/vit/vision_model.h`. */
export interface NativeVisionModelInfo {
  readonly nLayers: number;
  readonly dVit: number;
  readonly nPatches: number;
  readonly clsToken: boolean;
  readonly nRegisters: number;
  readonly height: number;
  readonly width: number;
  readonly pool: Exclude<NativeHead["pool"], "auto">;
  readonly projected: boolean;
  /** 0 when the model has no embedding. */
  readonly dEmbedding: number;
}

/** Bindings of `native/bind/vision_model.cc`. */
export interface VisionModelExports {
  loadClip(
    paths: readonly string[],
    config: NativeClipConfig,
    control?: Control,
  ): Promise<Handle<"VisionModel">>;
  loadSiglip(
    paths: readonly string[],
    sizes: NativeModelSizes,
    control?: Control,
  ): Promise<Handle<"VisionModel">>;
  loadDinov2(
    paths: readonly string[],
    config: NativeDinov2Config,
    control?: Control,
  ): Promise<Handle<"VisionModel">>;
  loadDinov3(
    paths: readonly string[],
    config: NativeDinov3Config,
    control?: Control,
  ): Promise<Handle<"VisionModel">>;
  loadVit(
    paths: readonly string[],
    config: NativeVitConfig,
    control?: Control,
  ): Promise<Handle<"VisionModel">>;
  loadEva(
    paths: readonly string[],
    config: NativeEvaConfig,
    control?: Control,
  ): Promise<Handle<"VisionModel">>;
  loadPerceptionEncoder(
    paths: readonly string[],
    config: NativePerceptionEncoderConfig,
    control?: Control,
  ): Promise<Handle<"VisionModel">>;
  interpolatePositions(table: Handle<"Tensor">, to: NativePositionInterpolation): Handle<"Tensor">;
  visionModelInfo(model: Handle<"VisionModel">): NativeVisionModelInfo;
  /** Once, before the model is used. */
  visionModelPrepare(
    model: Handle<"VisionModel">,
    computeDtype: "float32" | "bfloat16",
    control?: Control,
  ): Promise<void>;
  visionModelRecord(
    model: Handle<"VisionModel">,
    input: Handle<"Tensor">,
    layers: readonly number[],
    control?: Control,
  ): Promise<Handle<"Tensor">>;
  /** GFLOP/s of the cores' peak, libtorch's product and ours, [rows, nIn] × [nIn, nOut]; 0 for what is not here. */
  measureProducts(
    rows: number,
    nIn: number,
    nOut: number,
    control?: Control,
  ): Promise<{ peak: number; library: number; ours: number; bfloat16: number }>;
  visionModelResidual(
    model: Handle<"VisionModel">,
    input: Handle<"Tensor">,
    layer: number,
    control?: Control,
  ): Promise<Handle<"Tensor">>;
  visionModelContinue(
    model: Handle<"VisionModel">,
    residual: Handle<"Tensor">,
    replacement: Handle<"Tensor"> | undefined,
    layer: number,
    control?: Control,
  ): Promise<{ tokens: Handle<"Tensor">; embedding?: Handle<"Tensor"> }>;
  visionModelEmbed(
    model: Handle<"VisionModel">,
    input: Handle<"Tensor">,
    control?: Control,
  ): Promise<Handle<"Tensor">>;
}
