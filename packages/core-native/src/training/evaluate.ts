import { readFileSync } from "node:fs";
import type { BatchSource } from "../loading/batch-source.js";
import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { Tensor } from "../tensor.js";

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
  /** Latents that never fired. */
  readonly nDead: number;
  /** Latents that fired on less than `almostDeadThreshold` of the activations, dead ones included. */
  readonly nAlmostDead: number;
  /** Latents that fired on more than `denseThreshold` of the activations. */
  readonly nDense: number;
  readonly almostDeadThreshold: number;
  readonly denseThreshold: number;
}

/** What an SAE does on some data, latent by latent too. */
export interface Evaluation extends EvaluationFigures {
  /** float32 [d_sae]: fraction of the activations on which a latent fired. */
  readonly freqs: Tensor;
  /** float32 [d_sae]: a latent's mean over its firings; NaN where it never fired. */
  readonly meanValues: Tensor;
}

export interface EvaluateOptions extends LongCallOptions {
  /** Activations at a time. Default 16384. */
  readonly batchSize?: number;
  /** l0, l1 and mse as means of batch means, as the Python package of June 2025 has them. Default false. */
  readonly batchMeans?: boolean;
  /** Default 1e-7. */
  readonly almostDeadThreshold?: number;
  /** Default 1e-2. */
  readonly denseThreshold?: number;
}

/**
 * Runs `sae` over one epoch of `source`, from its beginning. Progress counts activations.
 * @throws SaevError `SHAPE_MISMATCH` for data of another width, `NUMERIC` when it holds a NaN or an infinity.
 */
export async function evaluate(
  sae: SparseAutoencoder,
  source: BatchSource,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const settings = {
    batchSize: options.batchSize ?? 16384,
    batchMeans: options.batchMeans ?? false,
    almostDeadThreshold: options.almostDeadThreshold ?? 1e-7,
    denseThreshold: options.denseThreshold ?? 1e-2,
  };
  const native = await callAsync(options, (control) =>
    addon().saeEvaluate(sae.handle, source.handle, settings, control),
  );
  return {
    ...native,
    almostDeadThreshold: settings.almostDeadThreshold,
    denseThreshold: settings.denseThreshold,
    freqs: Tensor.fromHandle(native.freqs),
    meanValues: Tensor.fromHandle(native.meanValues),
  };
}

const names = {
  nRows: "n_rows",
  l0: "l0",
  l1: "l1",
  mse: "mse",
  explainedVariance: "explained_variance",
  normalizedMse: "normalized_mse",
  nDead: "n_dead",
  nAlmostDead: "n_almost_dead",
  nDense: "n_dense",
  almostDeadThreshold: "almost_dead_threshold",
  denseThreshold: "dense_threshold",
} as const satisfies Record<keyof EvaluationFigures, string>;

/** @internal evaluation.json of a run. */
export function evaluationText(e: EvaluationFigures): string {
  const entries = Object.entries(names).map(([key, name]) => [name, e[key as keyof EvaluationFigures]]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

/** @internal The way back; `undefined` for a file that is not there or not of ours. */
export function readEvaluation(path: string): EvaluationFigures | undefined {
  try {
    const document = JSON.parse(readFileSync(path, "utf8")) as Record<string, number>;
    const entries = Object.entries(names).map(([key, name]) => [key, document[name]]);
    return Object.fromEntries(entries) as unknown as EvaluationFigures;
  } catch {
    return undefined;
  }
}
