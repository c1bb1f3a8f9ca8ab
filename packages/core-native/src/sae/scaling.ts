import { SaevError } from "../errors.js";
import { Tensor } from "../tensor.js";
import type { SaeTensors } from "./tensors.js";

/** What was done to activations before an SAE saw them in training: `(clamp(x) − actMean) / scalar`. */
export interface Scaling {
  /** [d_vit] */
  readonly actMean: Float32Array;
  /** Above 0. */
  readonly scalar: number;
  /** Larger magnitudes were cut to ±clamp: above 0, infinite where none were. `undefined`: not known. */
  readonly clamp?: number;
}

/** Where our checkpoints' headers keep it, beside the SAE's config. The Python package has no such field. */
export const scalingKey = "scaling";

/** For a header; nothing where activations were taken as they are. float32 values come back with the same bits. */
export function scalingHeader(scaling: Scaling | undefined): Record<string, unknown> {
  if (scaling === undefined) return {};
  const { actMean, scalar, clamp } = scaling;
  // JSON has no infinity.
  const limit = clamp === undefined ? {} : { clamp: Number.isFinite(clamp) ? clamp : null };
  return { [scalingKey]: { act_mean: [...actMean], scalar, ...limit } };
}

/** From a header. @throws SaevError `BAD_FILE` when it does not fit the SAE. */
export function scalingOf(
  path: string,
  header: Readonly<Record<string, unknown>>,
  dVit: number,
): Scaling | undefined {
  const given = header[scalingKey];
  if (given === undefined) return undefined;
  const above0 = (v: unknown): v is number => typeof v === "number" && Number.isFinite(v) && v > 0;
  const { act_mean: mean, scalar, clamp } = (given ?? {}) as Partial<Record<string, unknown>>;
  const fits = Array.isArray(mean) && mean.length === dVit && mean.every((v) => Number.isFinite(v));
  const limited = clamp === undefined || clamp === null || above0(clamp);
  if (fits && limited && above0(scalar)) {
    const limit = clamp === undefined ? {} : { clamp: clamp ?? Number.POSITIVE_INFINITY };
    return { actMean: Float32Array.from(mean as number[]), scalar, ...limit };
  }
  throw new SaevError(
    "BAD_FILE",
    `${path}: ${scalingKey} in the header: expected act_mean of ${dVit} numbers, a scalar and perhaps a clamp above 0, found ${JSON.stringify(given).slice(0, 80)}`,
  );
}

/**
 * Parameters that see activations as they are and give the latents that `own` gives of scaled ones; reconstructions are of the
 * activations as they are. With m the mean, s the scalar: W_enc / s, s W_dec, s b_dec + m; an encoder that sees x also
 * takes m W_enc / s from its bias, that of a gated SAE's magnitudes e^r times as much.
 */
export function foldScaling(own: SaeTensors, centred: boolean, { actMean, scalar }: Scaling): SaeTensors {
  const [dVit = 0, dSae = 0] = own.wEnc.shape;
  const wEnc = own.wEnc.toFloat32Array();
  const shift = new Float64Array(dSae);
  if (!centred)
    for (let k = 0; k < dVit; k++)
      for (let j = 0; j < dSae; j++)
        shift[j] = (shift[j] as number) + ((actMean[k] as number) * (wEnc[k * dSae + j] as number)) / scalar;
  const mapped = (tensor: Tensor, f: (v: number, i: number) => number) =>
    Tensor.from(tensor.toFloat32Array().map(f), tensor.shape);
  const rMag = own.rMag?.toFloat32Array();
  return {
    wEnc: mapped(own.wEnc, (v) => v / scalar),
    bEnc: mapped(own.bEnc, (v, j) => v - (shift[j] as number)),
    wDec: mapped(own.wDec, (v) => v * scalar),
    bDec: mapped(own.bDec, (v, k) => v * scalar + (actMean[k] as number)),
    ...(own.threshold && { threshold: mapped(own.threshold, (v) => v) }),
    ...(own.rMag && { rMag: mapped(own.rMag, (v) => v) }),
    ...(own.bMag &&
      rMag && { bMag: mapped(own.bMag, (v, j) => v - Math.exp(rMag[j] as number) * (shift[j] as number)) }),
  };
}
