import type { Control, Handle } from "./addon.js";

export interface NativeTopKOptions {
  readonly sortBy: "cls" | "img" | "patch";
  readonly dSae?: number;
  readonly rows?: number;
  readonly topK: number;
  readonly patches: number;
  readonly nDistributions: number;
  readonly maxDistributionBytes: number;
  readonly maxExactValues: number;
  readonly seed: number;
  readonly nExamples: number;
  readonly nSampledImages: number;
}

export interface NativeTopKInfo {
  readonly dSae: number;
  readonly rows: number;
  readonly images: number;
  readonly topK: number;
  readonly patches: number;
  readonly percentileError: number;
  readonly distributionColumns: number;
  readonly distributionsSampled: boolean;
}

export type NativeTopKTables = Record<
  | "topScores"
  | "topImgI"
  | "topPatchI"
  | "firings"
  | "meanValues"
  | "sparsity"
  | "maxValues"
  | "percentiles"
  | "distributions",
  Handle<"Tensor">
>;

export type NativeTopKExamples = Record<
  "counts" | "images" | "values" | "mapStarts" | "mapPatches" | "mapValues" | "sampledImages" | "fired",
  Handle<"Tensor">
>;

export interface NativeLegacyOptions {
  readonly patches: boolean;
  readonly topK: number;
  readonly patchesPerImage: number;
  readonly nDistributions: number;
  readonly percentile: number;
  readonly topkBatchSize: number;
  readonly saeBatchSize: number;
}

export type NativeLegacyTables = Record<
  "topValues" | "topImgI" | "meanValues" | "sparsity" | "distributions" | "percentiles",
  Handle<"Tensor">
>;

/** Bindings of `native/bind/top_k.cc`. */
export interface TopKExports {
  topKCreate(options: NativeTopKOptions): Handle<"TopKAccumulator">;
  topKAdd(
    accumulator: Handle<"TopKAccumulator">,
    fX: Handle<"Tensor">,
    imageI: Handle<"Tensor">,
    patchI: Handle<"Tensor"> | undefined,
  ): void;
  topKFinish(accumulator: Handle<"TopKAccumulator">): void;
  topKInfo(accumulator: Handle<"TopKAccumulator">): NativeTopKInfo;
  topKTables(accumulator: Handle<"TopKAccumulator">, percentile: number): NativeTopKTables;
  topKExamples(accumulator: Handle<"TopKAccumulator">): NativeTopKExamples;
  topKPatchValues(accumulator: Handle<"TopKAccumulator">, latent: number): Handle<"Tensor">;
  topKHistogram(
    accumulator: Handle<"TopKAccumulator">,
    latent: number,
    bins: number,
  ): { log10: boolean; lo: number; hi: number; counts: number[] };
  topKFiringPercentile(accumulator: Handle<"TopKAccumulator">, latent: number, p: number): number;
  topKWriteValues(accumulator: Handle<"TopKAccumulator">, path: string, control: Control): Promise<void>;
  accumulateTopK(
    source: Handle<"BatchSource">,
    sae: Handle<"SparseAutoencoder">,
    options: NativeTopKOptions & { readonly topkBatchSize: number; readonly saeBatchSize: number },
    control: Control,
  ): Promise<Handle<"TopKAccumulator">>;
  legacyTopK(
    source: Handle<"BatchSource">,
    sae: Handle<"SparseAutoencoder">,
    options: NativeLegacyOptions,
    control: Control,
  ): Promise<NativeLegacyTables>;
  legacyPercentiles(x: Handle<"Tensor">, percentile: number, total: number, lr: number): Handle<"Tensor">;
}
