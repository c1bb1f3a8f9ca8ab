import type { Control, Handle } from "./addon.js";
import type { NativeLatents } from "./sae.js";

export interface NativeThresholds {
  readonly almostDeadThreshold: number;
  readonly denseThreshold: number;
}

export interface NativePrefixFigures {
  readonly length: number;
  readonly mse: number;
  readonly explainedVariance: number;
}

export interface NativeEvaluation {
  readonly nRows: number;
  readonly l0: number;
  readonly l1: number;
  readonly mse: number;
  readonly explainedVariance: number;
  readonly normalizedMse: number;
  readonly squaredError: number;
  readonly squaredDeviation: number;
  readonly cosine: number;
  readonly l2Ratio: number;
  readonly relativeBias: number;
  readonly nDead: number;
  readonly nAlmostDead: number;
  readonly nDense: number;
  readonly nOver1Percent: number;
  readonly nOver10Percent: number;
  readonly prefixes: readonly NativePrefixFigures[];
  readonly mean: Handle<"Tensor">;
  readonly firings: Handle<"Tensor">;
  readonly freqs: Handle<"Tensor">;
  readonly meanValues: Handle<"Tensor">;
  readonly maxValues: Handle<"Tensor">;
}

/** Bindings of `native/bind/evaluate.cc` and `native/bind/evaluation_sums.cc`. */
export interface EvaluationExports {
  saeEvaluate(
    sae: Handle<"SparseAutoencoder">,
    source: Handle<"BatchSource">,
    options: NativeThresholds & {
      readonly batchSize: number;
      readonly batchMeans: boolean;
      readonly prefixes: readonly number[];
    },
    control: Control,
  ): Promise<NativeEvaluation>;
  evaluationSums(dVit: number, dSae: number, prefixes: readonly number[]): Handle<"EvaluationSums">;
  evaluationAdd(
    sums: Handle<"EvaluationSums">,
    sae: Handle<"SparseAutoencoder">,
    x: Handle<"Tensor">,
    control: Control,
  ): Promise<NativeLatents>;
  evaluationFigures(sums: Handle<"EvaluationSums">, options: NativeThresholds): NativeEvaluation;
  evaluationState(sums: Handle<"EvaluationSums">): Handle<"Tensor">;
  evaluationRestore(sums: Handle<"EvaluationSums">, state: Handle<"Tensor">): void;
  rowCosines(
    a: Handle<"Tensor">,
    columns: boolean,
    control: Control,
  ): Promise<{ largest: Handle<"Tensor">; magnitude: Handle<"Tensor"> }>;
}
