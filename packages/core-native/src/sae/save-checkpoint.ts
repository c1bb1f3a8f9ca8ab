import { SaevError } from "../errors.js";
import { writeSaeFile } from "../io/sae-file.js";
import type { LongCallOptions } from "../native/call.js";
import { Tensor } from "../tensor.js";
import { type CheckpointConfig, fits, forms, headerOf, type PythonSchema } from "./python-schemas.js";
import type { SparseAutoencoder } from "./sparse-autoencoder.js";
import { disposeTensors, type SaeTensors } from "./tensors.js";

export interface SaveOptions extends LongCallOptions {
  /**
   * The Python package's form of the file: in `pre-schema` and 1 (June 2025) the encoder sees x − b_dec, in 2 to 5 (since August
   * 2025) x. Default: 1 for what it holds, else 5.
   */
  readonly schema?: PythonSchema;
}

/**
 * Writes `sae.pt`. `pre-schema` and schema 1 hold ReLU SAEs, schemas 2 and 3 ReLU and top-k SAEs, all four only where d_sae is a multiple
 * of d_vit; schema 4 holds batch-top-k SAEs too; schema 5 all kinds, of which the Python package has no jump-relu and gated SAEs.
 * An SAE of the other convention is
 * converted: b_enc takes in ±b_dec W_enc, so that its latents stay the same. A ReLU after the selection, which no schema
 * can say, is noted beside its config: there the Python package would keep values below 0.
 * @param cfg the SAE's config; its sizes must be those of `sae`. Where neither it nor another schema is asked for than that of
 * the sae.pt that `sae` was read from, the header is that file's.
 * @throws SaevError `INVALID_ARGUMENT` when they are not; `UNSUPPORTED` when the `schema` that is asked for cannot hold it; `IO`.
 */
export async function saveCheckpoint(
  path: string,
  sae: SparseAutoencoder,
  cfg: CheckpointConfig = {},
  options?: SaveOptions,
): Promise<void> {
  const { dVit, dSae, activation } = sae;
  const wanted = cfg.d_sae || (cfg.exp_factor && cfg.exp_factor * dVit) || dSae;
  if ((cfg.d_vit ?? dVit) !== dVit || wanted !== dSae) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `cannot write ${path}: the config says d_vit ${cfg.d_vit ?? dVit}, d_sae ${wanted}; the SAE has ${dVit}, ${dSae}`,
    );
  }
  const schema = options?.schema ?? (fits(sae, 1) ? 1 : 5);
  const again = options?.schema !== undefined && Object.keys(cfg).length === 0;
  const header = headerOf(sae, schema, again ? undefined : cfg);
  const { input, order } = forms[schema];
  const own = sae.tensors();
  const tensors = sae.input === input ? own : otherInput(own, input === "centred" ? 1 : -1);
  const threshold = activation.kind === "batch-top-k" ? (activation.threshold ?? 0) : undefined;
  const thresholdTensor = threshold === undefined ? undefined : Tensor.from(Float32Array.of(threshold), []);
  try {
    const named = order.map((key): [string, Tensor] => [fileNames[key], tensors[key]]);
    for (const [name, tensor] of [
      ["activation.threshold", thresholdTensor ?? tensors.threshold],
      ["activation.r_mag", tensors.rMag],
      ["activation.b_mag", tensors.bMag],
    ] as const) {
      if (tensor) named.push([name, tensor]);
    }
    await writeSaeFile(path, header, new Map(named), options);
  } finally {
    disposeTensors(own);
    if (tensors !== own) {
      tensors.bEnc.dispose();
      tensors.bMag?.dispose();
    }
    thresholdTensor?.dispose();
  }
}

const fileNames = { wEnc: "W_enc", bEnc: "b_enc", wDec: "W_dec", bDec: "b_dec" } as const;

/** @internal Copies of an SAE's parameters for an encoder that sees x − b_dec, whatever this one sees. */
export function centredTensors(sae: SparseAutoencoder): SaeTensors {
  const own = sae.tensors();
  if (sae.input === "centred") return own;
  const moved = otherInput(own, 1);
  own.bEnc.dispose();
  if (moved.bMag !== own.bMag) own.bMag?.dispose();
  return moved;
}

/**
 * The parameters for an encoder that sees x − b_dec where this one sees x (`sign` 1), or the other way round (−1). A gated
 * SAE's magnitudes see what its gate sees times e^r, so their bias moves by that.
 */
export function otherInput(own: SaeTensors, sign: 1 | -1): SaeTensors {
  const [dVit = 0, dSae = 0] = own.wEnc.shape;
  const wEnc = own.wEnc.toFloat32Array();
  const bDec = own.bDec.toFloat32Array();
  const shift = new Float64Array(dSae);
  for (let k = 0; k < dVit; k++) {
    for (let j = 0; j < dSae; j++) {
      shift[j] = (shift[j] as number) + sign * (bDec[k] as number) * (wEnc[k * dSae + j] as number);
    }
  }
  const moved = (bias: Tensor, scale: (j: number) => number) =>
    Tensor.from(bias.toFloat32Array().map((b, j) => b + scale(j) * (shift[j] as number)));
  const rMag = own.rMag?.toFloat32Array();
  return {
    ...own,
    bEnc: moved(own.bEnc, () => 1),
    ...(own.bMag && rMag && { bMag: moved(own.bMag, (j) => Math.exp(rMag[j] as number)) }),
  };
}
