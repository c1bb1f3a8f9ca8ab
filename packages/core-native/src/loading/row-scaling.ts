import type { DataLoad } from "@saev/config";
import { SaevError } from "../errors.js";
import { readTensor } from "../io/tensor-file.js";
import type { NativeRowOptions, NativeScaled } from "../native/batch-source.js";
import type { Tensor } from "../tensor.js";

/** How rows are scaled: (x − actMean) / scalar. */
export interface RowScaling {
  /** float32 [dVit]. */
  readonly actMean: Tensor;
  readonly scalar: number;
}

/** A scaling before the data has been looked at, and what is to be found out from it. */
export interface StartScaling extends Disposable {
  readonly native: Pick<NativeRowOptions, "scalar" | "actMean">;
  readonly request: {
    readonly computeMean: boolean;
    readonly computeScalar: boolean;
    readonly nRandomSamples: number;
  };
}

/**
 * What a config says of the scaling; files are read.
 * @param given in place of it.
 * @throws SaevError `SHAPE_MISMATCH` for a file that holds something else, and as the file's reader.
 */
export async function startScaling(
  config: Pick<DataLoad, "scale_mean" | "scale_norm" | "n_random_samples">,
  dVit: number,
  given?: RowScaling,
): Promise<StartScaling> {
  const { scale_mean, scale_norm, n_random_samples: nRandomSamples } = config;
  if (given) {
    return {
      native: { scalar: given.scalar, actMean: given.actMean.handle },
      request: { computeMean: false, computeScalar: false, nRandomSamples },
      [Symbol.dispose]() {},
    };
  }
  const actMean = typeof scale_mean === "string" ? await loadMean(scale_mean, dVit) : undefined;
  return {
    native: {
      scalar: typeof scale_norm === "string" ? await loadScalar(scale_norm) : 1,
      ...(actMean && { actMean: actMean.handle }),
    },
    request: { computeMean: scale_mean === true, computeScalar: scale_norm === true, nRandomSamples },
    [Symbol.dispose]: () => actMean?.dispose(),
  };
}

/** Activations above this magnitude among the samples mean outlier dimensions that dominate mean and norm. */
const suspicious = 1000;

/** Says so where the sample holds activations that are much larger than any should be. */
export function warnOfOutliers(
  where: string,
  config: Pick<DataLoad, "clamp">,
  { largestSample, nSamples }: Pick<NativeScaled, "largestSample" | "nSamples">,
  warn: (message: string) => void = (message) => process.emitWarning(message, { code: "SAEV_OUTLIERS" }),
): void {
  if (largestSample <= suspicious) return;
  warn(
    `${where}: an activation of ${largestSample.toPrecision(4)} is among the ${nSamples} rows ` +
      `sampled for the scaling; consider a smaller clamp than ${config.clamp}`,
  );
}

/** A mean of that width from a file of one tensor. @throws SaevError `SHAPE_MISMATCH`. */
export async function loadMean(file: string, dVit: number): Promise<Tensor> {
  const mean = await readTensor(file);
  if (mean.dtype === "float32" && mean.size === dVit) return mean;
  throw new SaevError(
    "SHAPE_MISMATCH",
    `scale_mean: ${file}: expected ${dVit} float32 values, found ${mean.dtype} [${mean.shape.join(", ")}]`,
  );
}

/** A scalar above 0 from a file of one tensor. @throws SaevError `SHAPE_MISMATCH`. */
export async function loadScalar(file: string): Promise<number> {
  using norm = await readTensor(file);
  const value = norm.dtype === "float32" && norm.size === 1 ? norm.toFloat32Array()[0]! : Number.NaN;
  if (value > 0 && Number.isFinite(value)) return value;
  throw new SaevError(
    "SHAPE_MISMATCH",
    `scale_norm: ${file}: expected one float32 value above 0, found ${norm.dtype} [${norm.shape.join(", ")}]` +
      (norm.size === 1 ? ` of ${value}` : ""),
  );
}
