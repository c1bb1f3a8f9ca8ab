import type { BatchTopK, Relu, TopK } from "@saev/config";
import { SaevError } from "../errors.js";
import { writeSaeFile } from "../io/sae-file.js";
import type { LongCallOptions } from "../native/call.js";
import { Tensor } from "../tensor.js";
import type { BatchTopKActivation, TopKActivation } from "./activation.js";
import type { SparseAutoencoder } from "./sparse-autoencoder.js";
import { disposeTensors, type SaeTensors } from "./tensors.js";

type Json = Record<string, unknown>;

/** In our headers: whether values below 0 were dropped after the selection. The Python package ignores it. */
export const reluKey = "relu_after_selection";

/** Fields of an SAE's config that a checkpoint's header keeps. */
export type CheckpointConfig = Partial<Omit<Relu, "kind"> & Omit<TopK, "kind"> & Omit<BatchTopK, "kind">>;

/**
 * Writes `sae.pt`. A ReLU SAE is written as the Python package of June 2025 writes and reads it (schema 1, the encoder
 * sees x − b_dec), a top-k one as that of March 2026 does (schema 5, it sees x). An SAE of the other convention is
 * converted: b_enc takes in ±b_dec W_enc, so that its latents stay the same. A ReLU after the selection, which schema 5
 * cannot say, is noted beside its config: there the Python package would keep values below 0.
 * @param cfg the SAE's config; d_vit and exp_factor must be those of `sae`.
 * @throws SaevError `UNSUPPORTED` when d_sae is no multiple of d_vit, which schema 1 cannot say; `IO`.
 */
export async function saveCheckpoint(
  path: string,
  sae: SparseAutoencoder,
  cfg: CheckpointConfig = {},
  options?: LongCallOptions,
): Promise<void> {
  const { dVit, dSae, activation } = sae;
  if (activation.kind === "relu" && dSae % dVit !== 0) {
    throw new SaevError(
      "UNSUPPORTED",
      `cannot write ${path}: its format holds d_sae as a multiple of d_vit; found d_vit ${dVit}, d_sae ${dSae}`,
    );
  }
  const expFactor = dSae / dVit;
  if ((cfg.d_vit ?? dVit) !== dVit || (cfg.exp_factor ?? expFactor) !== expFactor) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `cannot write ${path}: the config says d_vit ${cfg.d_vit}, exp_factor ${cfg.exp_factor}; the SAE has ${dVit}, ${expFactor}`,
    );
  }
  const relu = activation.kind === "relu";
  const header = relu ? schema1Header(dVit, expFactor, cfg) : schema5Header(dVit, dSae, activation, cfg);
  const own = sae.tensors();
  const tensors = sae.input === (relu ? "centred" : "raw") ? own : otherInput(own, relu ? 1 : -1);
  const threshold = activation.kind === "batch-top-k" ? (activation.threshold ?? 0) : undefined;
  const thresholdTensor = threshold === undefined ? undefined : Tensor.from(Float32Array.of(threshold), []);
  try {
    const named: [string, Tensor][] = [
      ["W_enc", tensors.wEnc],
      ["b_enc", tensors.bEnc],
      ["W_dec", tensors.wDec],
      ["b_dec", tensors.bDec],
    ];
    if (thresholdTensor) named.push(["activation.threshold", thresholdTensor]);
    await writeSaeFile(path, header, new Map(named), options);
  } finally {
    disposeTensors(own);
    if (tensors !== own) tensors.bEnc.dispose();
    thresholdTensor?.dispose();
  }
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

function schema5Header(
  dVit: number,
  dSae: number,
  activation: TopKActivation | BatchTopKActivation,
  cfg: CheckpointConfig,
): Json {
  const batch = activation.kind === "batch-top-k";
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
      activation: {
        cls: batch ? "BatchTopK" : "TopK",
        params: {
          key: activation.kind,
          top_k: activation.topK,
          sparsity: { cls: "NoSparsity", params: { key: "no-sparsity" } },
          ...(batch && { momentum: cfg.momentum ?? 0.1 }),
          aux,
        },
      },
      reinit_blend: 0,
      reinit_enc_dec_tranpose: cfg.tied ?? true,
      remove_parallel_grads: cfg.remove_parallel_grads ?? true,
      normalize_w_dec: cfg.normalize_w_dec ?? true,
    },
    commit: "unknown",
    lib: libVersion,
    ...(activation.relu !== false && { [reluKey]: true }),
  };
}

/** The parameters for an encoder that sees x − b_dec where this one sees x (`sign` 1), or the other way round (−1). */
function otherInput(own: SaeTensors, sign: 1 | -1): SaeTensors {
  const [dVit = 0, dSae = 0] = own.wEnc.shape;
  const wEnc = own.wEnc.toFloat32Array();
  const bDec = own.bDec.toFloat32Array();
  const bias = Float64Array.from(own.bEnc.toFloat32Array());
  for (let k = 0; k < dVit; k++) {
    for (let j = 0; j < dSae; j++) {
      bias[j] = (bias[j] as number) + sign * (bDec[k] as number) * (wEnc[k * dSae + j] as number);
    }
  }
  return { ...own, bEnc: Tensor.from(Float32Array.from(bias)) };
}
