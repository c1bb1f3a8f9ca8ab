import type { BatchTopK, JumpRelu, Relu } from "@saev/config";
import { SaevError } from "../errors.js";
import type { Activation } from "./activation.js";
import { groupSizesHeader, groupSizesKey } from "./group-sizes.js";
import { scalingHeader, scalingKey } from "./scaling.js";
import type { EncoderInput, SparseAutoencoder } from "./sparse-autoencoder.js";

type Json = Record<string, unknown>;

/**
 * Forms of the Python package's sae.pt: before it had schemas, and its schemas. 1: June 2025. 2: from 31 July. 3: from 3 October.
 * 4: November. 5: from 26 November 2025.
 */
export type PythonSchema = "pre-schema" | 1 | 2 | 3 | 4 | 5;

/** Fields of an SAE's config that a checkpoint's header keeps. */
export type CheckpointConfig = Partial<
  Omit<Relu, "kind"> & Omit<BatchTopK, "kind"> & Omit<Omit<JumpRelu, "threshold">, "kind">
>;

/** In our headers: whether values below 0 were dropped after the selection. The Python package ignores it. */
export const reluKey = "relu_after_selection";

/** What a form of sae.pt holds, and how. */
interface Form {
  readonly input: EncoderInput;
  readonly kinds: readonly Activation["kind"][];
  /** It says d_sae as a multiple of d_vit. */
  readonly multiple?: true;
  /** Its first tensors, in the order of the package's state_dict. */
  readonly order: readonly ["wEnc" | "wDec", "bEnc" | "bDec", "wEnc" | "wDec", "bEnc" | "bDec"];
  header(sae: SparseAutoencoder, cfg: CheckpointConfig): Json;
}

const encoderFirst = ["wEnc", "bEnc", "wDec", "bDec"] as const;
const version = { commit: "unknown", lib: "saev 0.1.0" };

/**
 * Each as the package's code wrote it (github.com/OSU-NLP-Group/saev, `nn/modeling.py`: the 2025 commits c6e3552, 8d38c23, c3dd0ae,
 * ce1add2). Schema 2 had `d_model` in its last day, 4 other fields in its last hours, and no threshold before 16 November.
 */
export const forms: Readonly<Record<PythonSchema, Form>> = {
  "pre-schema": {
    input: "centred",
    kinds: ["relu"],
    multiple: true,
    order: encoderFirst,
    header: ({ dVit, dSae }, cfg) => ({
      d_vit: dVit,
      exp_factor: dSae / dVit,
      sparsity_coeff: 0,
      n_reinit_samples: cfg.n_reinit_samples ?? 0,
      ghost_grads: false,
      ...optimisation(cfg),
      seed: cfg.seed ?? 0,
    }),
  },
  1: {
    input: "centred",
    kinds: ["relu"],
    multiple: true,
    order: encoderFirst,
    header: ({ dVit, dSae }, cfg) => ({
      schema: 1,
      cfg: { d_vit: dVit, exp_factor: dSae / dVit, ...training(cfg) },
      cls: "Relu",
      ...version,
    }),
  },
  // Until the middle of November 2025 a batch-top-k SAE had no threshold and always selected over the batch.
  2: {
    input: "raw",
    kinds: ["relu", "top-k"],
    multiple: true,
    order: encoderFirst,
    header: (sae, cfg) => plainActivation(2, sae, { d_vit: sae.dVit, exp_factor: sae.dSae / sae.dVit }, cfg),
  },
  3: {
    input: "raw",
    kinds: ["relu", "top-k"],
    multiple: true,
    order: encoderFirst,
    header: (sae, cfg) =>
      plainActivation(3, sae, { d_model: sae.dVit, exp_factor: sae.dSae / sae.dVit }, cfg),
  },
  4: {
    input: "raw",
    kinds: ["relu", "top-k", "batch-top-k"],
    order: encoderFirst,
    header: (sae, cfg) => plainActivation(4, sae, { d_model: sae.dVit, d_sae: sae.dSae }, cfg),
  },
  // jump-relu and gated are ours: the Python package has no such kinds.
  5: {
    input: "raw",
    kinds: ["relu", "jump-relu", "top-k", "batch-top-k", "gated"],
    order: ["wDec", "bDec", "wEnc", "bEnc"],
    header: schema5Header,
  },
};

const nameOf = (schema: PythonSchema) =>
  schema === "pre-schema" ? "a file without a schema" : `schema ${schema}`;

/** @internal Whether a schema has a place for an SAE's kind and sizes. */
export const fits = ({ activation, dSae, dVit }: SparseAutoencoder, schema: PythonSchema): boolean =>
  forms[schema].kinds.includes(activation.kind) && !(forms[schema].multiple && dSae % dVit !== 0);

/**
 * @internal The header of an SAE in a schema: that of the file it was read from where this was of the same schema and `cfg` is
 * not given. What only our headers hold stands beside the config.
 * @throws SaevError `UNSUPPORTED` where the schema cannot hold the SAE.
 */
export function headerOf(sae: SparseAutoencoder, schema: PythonSchema, cfg?: CheckpointConfig): Json {
  const { activation, dSae, dVit, source } = sae;
  const ours = { ...scalingHeader(sae.scaling), ...groupSizesHeader(sae.groupSizes) };
  if (schema === "pre-schema" && Object.keys(ours).length > 0)
    throw new SaevError(
      "UNSUPPORTED",
      `a file without a schema has no place for ${Object.keys(ours).join(" and ")}; schema 1 has`,
    );
  if (source && cfg === undefined && (source.schema ?? "pre-schema") === schema) {
    const { [scalingKey]: _scaling, [groupSizesKey]: _groupSizes, ...theirs } = source;
    return { ...theirs, ...ours };
  }
  if (!fits(sae, schema)) {
    const { kinds, multiple } = forms[schema];
    throw new SaevError(
      "UNSUPPORTED",
      `${nameOf(schema)} holds ${kinds.join(", ")} SAEs${multiple ? " whose d_sae is a multiple of d_vit" : ""}; this one is ${activation.kind}, d_sae ${dSae}, d_vit ${dVit}${activation.kind === "batch-top-k" ? " (schemas before 4 keep no threshold)" : ""}; schema 5 can hold it`,
    );
  }
  const kept = "relu" in activation && activation.relu !== false ? { [reluKey]: true } : {};
  return { ...forms[schema].header(sae, cfg ?? {}), ...kept, ...ours };
}

const optimisation = (cfg: CheckpointConfig): Json => ({
  remove_parallel_grads: cfg.remove_parallel_grads ?? true,
  normalize_w_dec: cfg.normalize_w_dec ?? true,
});

const training = (cfg: CheckpointConfig): Json => ({
  n_reinit_samples: cfg.n_reinit_samples ?? 0,
  ...optimisation(cfg),
  seed: cfg.seed ?? 0,
});

/** Schemas 2 to 4: of the activation only its k, and the momentum of the threshold. */
function plainActivation(
  schema: 2 | 3 | 4,
  { activation }: SparseAutoencoder,
  sizes: Json,
  cfg: CheckpointConfig,
) {
  const params = {
    ...("topK" in activation && { top_k: activation.topK }),
    ...(activation.kind === "batch-top-k" && { momentum: cfg.momentum ?? 0.1 }),
  };
  const cls = { relu: "Relu", "top-k": "TopK", "batch-top-k": "BatchTopK" }[activation.kind as "relu"];
  return { schema, cfg: { ...sizes, ...training(cfg), activation: { cls, params } }, ...version };
}

function schema5Header({ dVit, dSae, activation }: SparseAutoencoder, cfg: CheckpointConfig): Json {
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
      ...optimisation(cfg),
    },
    ...version,
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
