import { readFileSync } from "node:fs";
import type { NativeEvaluation } from "../native/evaluation.js";
import { Tensor } from "../tensor.js";

/** How well the first `length` latents reconstruct alone. */
export interface PrefixFigures {
  readonly length: number;
  readonly mse: number;
  readonly explainedVariance: number;
}

/** What an SAE does on some data, in numbers. */
export interface EvaluationFigures {
  /** Activations seen. */
  readonly nRows: number;
  /** Mean number of active latents of an activation. */
  readonly l0: number;
  /** Mean Σ f of an activation. */
  readonly l1: number;
  /** Mean over activations and dimensions of (x − x̂)². */
  readonly mse: number;
  /** 1 − Σ ‖x − x̂‖² / Σ ‖x − mean‖², sums over all activations, the mean per dimension. */
  readonly explainedVariance: number;
  /** Σ ‖x − x̂‖² / Σ ‖x‖². */
  readonly normalizedMse: number;
  /** Mean cosine of x and x̂. */
  readonly cosine: number;
  /** Mean ‖x̂‖ / ‖x‖. */
  readonly l2Ratio: number;
  /** Σ ‖x̂‖² / Σ x·x̂: 1 where reconstructions have the right length, below 1 where they shrink. */
  readonly relativeBias: number;
  /** Latents that never fired. */
  readonly nDead: number;
  /** Latents that fired on less than `almostDeadThreshold` of the activations, dead ones included. */
  readonly nAlmostDead: number;
  /** Latents that fired on more than `denseThreshold` of the activations. */
  readonly nDense: number;
  /** Latents that fired on more than 1 % of the activations. */
  readonly nOver1Percent: number;
  /** Latents that fired on more than 10 % of the activations. */
  readonly nOver10Percent: number;
  readonly almostDeadThreshold: number;
  readonly denseThreshold: number;
}

/** What an SAE does on some data, latent by latent too. */
export interface Evaluation extends EvaluationFigures {
  /** The first latents alone, as asked for, and all of them at the end; empty where no prefix was asked for. */
  readonly prefixes: readonly PrefixFigures[];
  /** Σ ‖x − x̂‖². */
  readonly squaredError: number;
  /** Σ ‖x − mean‖². */
  readonly squaredDeviation: number;
  /** float32 [d_vit]: the mean activation. */
  readonly mean: Tensor;
  /** int64 [d_sae]: activations on which a latent fired. */
  readonly firings: Tensor;
  /** float32 [d_sae]: fraction of the activations on which a latent fired. */
  readonly freqs: Tensor;
  /** float32 [d_sae]: a latent's mean over its firings; NaN where it never fired. */
  readonly meanValues: Tensor;
  /** float32 [d_sae]: a latent's largest value; 0 where it never fired. */
  readonly maxValues: Tensor;
}

/** From which frequencies on a latent counts as rare or as frequent. */
export interface EvaluationThresholds {
  /** Default 1e-7. */
  readonly almostDeadThreshold?: number;
  /** Default 1e-2. */
  readonly denseThreshold?: number;
}

/** @internal */
export const thresholdsOf = (options: EvaluationThresholds) => ({
  almostDeadThreshold: options.almostDeadThreshold ?? 1e-7,
  denseThreshold: options.denseThreshold ?? 1e-2,
});

/** @internal */
export function fromNativeEvaluation(
  native: NativeEvaluation,
  thresholds: ReturnType<typeof thresholdsOf>,
): Evaluation {
  return {
    ...native,
    ...thresholds,
    mean: Tensor.fromHandle(native.mean),
    firings: Tensor.fromHandle(native.firings),
    freqs: Tensor.fromHandle(native.freqs),
    meanValues: Tensor.fromHandle(native.meanValues),
    maxValues: Tensor.fromHandle(native.maxValues),
  };
}

const names = {
  nRows: "n_rows",
  l0: "l0",
  l1: "l1",
  mse: "mse",
  explainedVariance: "explained_variance",
  normalizedMse: "normalized_mse",
  cosine: "cosine",
  l2Ratio: "l2_ratio",
  relativeBias: "relative_bias",
  nDead: "n_dead",
  nAlmostDead: "n_almost_dead",
  nDense: "n_dense",
  nOver1Percent: "n_over_1_percent",
  nOver10Percent: "n_over_10_percent",
  almostDeadThreshold: "almost_dead_threshold",
  denseThreshold: "dense_threshold",
} as const satisfies Record<keyof EvaluationFigures, string>;

/** The names of the figures in files. */
export type EvaluationRecord = { readonly [K in (typeof names)[keyof EvaluationFigures]]: number };

/** The figures under their names in files: evaluation.json of a run, reports, metrics. */
export function evaluationRecord(e: EvaluationFigures): EvaluationRecord {
  const entries = Object.entries(names).map(([key, name]) => [name, e[key as keyof EvaluationFigures]]);
  return Object.fromEntries(entries) as EvaluationRecord;
}

/** The prefixes' figures under their names in files. */
export const prefixRecords = ({ prefixes }: Pick<Evaluation, "prefixes">) =>
  prefixes.map((p) => ({ length: p.length, mse: p.mse, explained_variance: p.explainedVariance }));

/**
 * @internal The way back; `undefined` for a file that is not there or not of ours. A figure that an older version did not
 * write is NaN.
 */
export function readEvaluation(path: string): EvaluationFigures | undefined {
  try {
    const document = JSON.parse(readFileSync(path, "utf8")) as Record<string, number>;
    const entries = Object.entries(names).map(([key, name]) => [key, document[name] ?? Number.NaN]);
    return Object.fromEntries(entries) as unknown as EvaluationFigures;
  } catch {
    return undefined;
  }
}
