import type { BatchTopK, JumpRelu, Relu } from "@saev/config";
import { SaevError } from "../errors.js";
import { writeSaeFile } from "../io/sae-file.js";
import type { LongCallOptions } from "../native/call.js";
import { Tensor } from "../tensor.js";
import type { Activation } from "./activation.js";
import { groupSizesHeader } from "./group-sizes.js";
import { scalingHeader } from "./scaling.js";
import type { SparseAutoencoder } from "./sparse-autoencoder.js";
import { disposeTensors, type SaeTensors } from "./tensors.js";

type Json = Record<string, unknown>;

/** In our headers: whether values below 0 were dropped after the selection. The Python package ignores it. */
export const reluKey = "relu_after_selection";

/** Fields of an SAE's config that a checkpoint's header keeps. */
export type CheckpointConfig = Partial<
  Omit<Relu, "kind"> & Omit<BatchTopK, "kind"> & Omit<Omit<JumpRelu, "threshold">, "kind">
>;

export interface SaveOptions extends LongCallOptions {
  /**
   * 1: as the Python package of June 2025 writes and reads it, where the encoder sees x − b_dec. 5: as that of March 2026 does,
   * where it sees x. Default: 1 for what it holds, else 5.
   */
  readonly schema?: 1 | 5;
}

/**
 * Writes `sae.pt`. Schema 1 holds ReLU SAEs whose d_sae is a multiple of d_vit; schema 5 all kinds, of which the Python package has
 * no jump-relu and gated SAEs. An SAE of the other convention is
 * converted: b_enc takes in ±b_dec W_enc, so that its latents stay the same. A ReLU after the selection, which schema 5
 * cannot say, is noted beside its config: there the Python package would keep values below 0.
 * @param cfg the SAE's config; its sizes must be those of `sae`.
 * @throws SaevError `INVALID_ARGUMENT` when they are not; `UNSUPPORTED` when `schema` 1 is asked for and cannot hold it; `IO`.
 */
export async function saveCheckpoint(
  path: string,
  sae: SparseAutoencoder,
  cfg: CheckpointConfig = {},
  options?: SaveOptions,
): Promise<void> {
  const { dVit, dSae, activation } = sae;
  const expFactor = dSae / dVit;
  const wanted = cfg.d_sae || (cfg.exp_factor && cfg.exp_factor * dVit) || dSae;
  if ((cfg.d_vit ?? dVit) !== dVit || wanted !== dSae) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `cannot write ${path}: the config says d_vit ${cfg.d_vit ?? dVit}, d_sae ${wanted}; the SAE has ${dVit}, ${dSae}`,
    );
  }
  if (options?.schema !== undefined) requireSchema(sae, options.schema);
  const first = options?.schema !== 5 && fitsSchema1(sae);
  const header = first ? schema1Header(dVit, expFactor, cfg) : schema5Header(dVit, dSae, activation, cfg);
  const own = sae.tensors();
  const tensors = sae.input === (first ? "centred" : "raw") ? own : otherInput(own, first ? 1 : -1);
  const threshold = activation.kind === "batch-top-k" ? (activation.threshold ?? 0) : undefined;
  const thresholdTensor = threshold === undefined ? undefined : Tensor.from(Float32Array.of(threshold), []);
  try {
    const named: [string, Tensor][] = [
      ["W_enc", tensors.wEnc],
      ["b_enc", tensors.bEnc],
      ["W_dec", tensors.wDec],
      ["b_dec", tensors.bDec],
    ];
    for (const [name, tensor] of [
      ["activation.threshold", thresholdTensor ?? tensors.threshold],
      ["activation.r_mag", tensors.rMag],
      ["activation.b_mag", tensors.bMag],
    ] as const) {
      if (tensor) named.push([name, tensor]);
    }
    await writeSaeFile(
      path,
      { ...header, ...scalingHeader(sae.scaling), ...groupSizesHeader(sae.groupSizes) },
      new Map(named),
      options,
    );
  } finally {
    disposeTensors(own);
    if (tensors !== own) {
      tensors.bEnc.dispose();
      tensors.bMag?.dispose();
    }
    thresholdTensor?.dispose();
  }
}

/** Schema 1 holds d_sae as a multiple of d_vit. */
const fitsSchema1 = ({ activation, dSae, dVit }: SparseAutoencoder): boolean =>
  activation.kind === "relu" && dSae % dVit === 0;

/** @internal @throws SaevError `UNSUPPORTED` where a schema cannot hold an SAE. */
export function requireSchema(sae: SparseAutoencoder, schema: 1 | 5): void {
  if (schema === 5 || fitsSchema1(sae)) return;
  throw new SaevError(
    "UNSUPPORTED",
    `schema 1 holds ReLU SAEs whose d_sae is a multiple of d_vit; this one is ${sae.activation.kind}, d_sae ${sae.dSae}, d_vit ${sae.dVit}; schema 5 can hold it`,
  );
}

/** Version that the header names as the writer's. */
const libVersion = "saev 0.1.0";

const schema1Header = (dVit: number, expFactor: number, cfg: CheckpointConfig): Json => ({
  schema: 1,
  cfg: {
    d_vit: dVit,
    exp_factor: expFactor,
    n_reinit_samples: cfg.n_reinit_samples ?? 0,
    remove_parallel_grads: cfg.remove_parallel_grads ?? true,
    normalize_w_dec: cfg.normalize_w_dec ?? true,
    seed: cfg.seed ?? 0,
  },
  cls: "Relu",
  commit: "unknown",
  lib: libVersion,
});

function schema5Header(dVit: number, dSae: number, activation: Activation, cfg: CheckpointConfig): Json {
  const kAux = cfg.k_aux ?? 0;
  const aux =
    kAux > 0
      ? { cls: "AuxK", params: { key: "auxk", k_aux: kAux, alpha: cfg.alpha ?? 1 / 32 } }
      : { cls: "NoAux", params: { key: "no-aux" } };
  return {
    schema: 5,
    cfg: {
      d_model: dVit,
      d_sae: dSae,
      activation: activationHeader(activation, cfg, aux),
      reinit_blend: cfg.reinit_blend ?? 0,
      reinit_enc_dec_tranpose: cfg.tied ?? activation.kind !== "relu",
      remove_parallel_grads: cfg.remove_parallel_grads ?? true,
      normalize_w_dec: cfg.normalize_w_dec ?? true,
    },
    commit: "unknown",
    lib: libVersion,
    ...("relu" in activation && activation.relu !== false && { [reluKey]: true }),
  };
}

function activationHeader(activation: Activation, cfg: CheckpointConfig, aux: Json): Json {
  if (activation.kind === "relu") {
    const sparsity = { cls: "L1Sparsity", params: { key: "l1-sparsity", coeff: 0 } };
    return { cls: "Relu", params: { key: "relu", sparsity, aux } };
  }
  if (activation.kind === "gated") return { cls: "Gated", params: { key: "gated" } };
  if (activation.kind === "jump-relu") {
    const { bandwidth, sparsity, tanh_scale } = cfg;
    return { cls: "JumpRelu", params: { key: "jump-relu", bandwidth, sparsity, tanh_scale } };
  }
  const batch = activation.kind === "batch-top-k";
  return {
    cls: batch ? "BatchTopK" : "TopK",
    params: {
      key: activation.kind,
      top_k: activation.topK,
      sparsity: { cls: "NoSparsity", params: { key: "no-sparsity" } },
      ...(batch && { momentum: cfg.momentum ?? 0.1 }),
      aux,
    },
  };
}

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
