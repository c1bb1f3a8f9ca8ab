import { access } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../../errors.js";
import { TensorFile, writeSafetensors } from "../../io/tensor-file.js";
import { writeText } from "../../io/write-text.js";
import { Tensor } from "../../tensor.js";
import type { Activation } from "../activation.js";
import { SparseAutoencoder } from "../sparse-autoencoder.js";
import { disposeTensors, type SaeTensors } from "../tensors.js";
import { float32Of } from "./float32.js";
import { folderOf, readConfig } from "./folder.js";
import type { CheckpointFormat } from "./format.js";
import { groupsNotKept } from "./groups-not-kept.js";

const weightsName = "sae_weights.safetensors";
const configName = "cfg.json";
/** The release whose layout is written. */
const writtenVersion = "6.0.0";

type Json = Record<string, unknown>;

/**
 * SAELens 6: `sae_weights.safetensors` and `cfg.json`, architectures standard, topk, jumprelu and gated. SAELens keeps
 * batch-top-k for inference as jumprelu; so do we.
 */
export const saelens: CheckpointFormat = {
  name: "saelens",

  async recognises(where) {
    const cfg = await readConfig(folderOf(where, weightsName), configName).catch(() => undefined);
    if (cfg === undefined || !("d_in" in cfg && "d_sae" in cfg)) return false;
    return access(path.join(folderOf(where, weightsName), weightsName)).then(
      () => true,
      () => false,
    );
  },

  async read(where, options) {
    const dir = folderOf(where, weightsName);
    const cfg = await readConfig(dir, configName);
    const refuse = (what: string) => new SaevError("UNSUPPORTED", `${path.join(dir, configName)}: ${what}`);
    checkConventions(cfg, refuse);
    const architecture = String(cfg.architecture);
    const activation = activationOf(architecture, cfg, refuse);
    using file = await TensorFile.open(path.join(dir, weightsName), options);
    const tensors = readTensors(file, activation, cfg);
    try {
      return SparseAutoencoder.from(
        tensors,
        cfg.apply_b_dec_to_input === false ? "raw" : "centred",
        activation,
      );
    } catch (error) {
      if (!(error instanceof SaevError)) throw error;
      const code = error.code === "SHAPE_MISMATCH" ? "BAD_FILE" : error.code;
      throw new SaevError(code, `${file.path}: ${error.message}`, { cause: error });
    } finally {
      disposeTensors(tensors);
    }
  },

  notKept: (sae) => [
    ...groupsNotKept(sae, "SAELens"),
    ...(sae.activation.kind === "batch-top-k"
      ? [`k = ${sae.activation.topK} is not kept: SAELens keeps a batch-top-k SAE as jumprelu, without k`]
      : []),
  ],

  async write(dir, sae, options) {
    const { architecture, k } = architectureOf(sae);
    const own = sae.tensors();
    const threshold = architecture === "jumprelu" ? thresholdOf(sae, own) : undefined;
    try {
      const named: Record<string, Tensor> = { W_enc: own.wEnc, W_dec: own.wDec, b_dec: own.bDec };
      if (own.rMag && own.bMag) Object.assign(named, { b_gate: own.bEnc, r_mag: own.rMag, b_mag: own.bMag });
      else named.b_enc = own.bEnc;
      if (threshold) named.threshold = threshold;
      await writeSafetensors(path.join(dir, weightsName), named, options);
    } finally {
      disposeTensors(own);
      threshold?.dispose();
    }
    const cfg = {
      d_in: sae.dVit,
      d_sae: sae.dSae,
      dtype: "float32",
      device: "cpu",
      apply_b_dec_to_input: sae.input === "centred",
      normalize_activations: "none",
      reshape_activations: "none",
      ...(k !== undefined && { k, rescale_acts_by_decoder_norm: false }),
      metadata: { sae_lens_version: writtenVersion, sae_lens_training_version: null },
      architecture,
    };
    await writeText(path.join(dir, configName), `${JSON.stringify(cfg, null, 2)}\n`);
  },
};

/** Refuses what would change the latents and has no place in our SAE. */
function checkConventions(cfg: Json, refuse: (what: string) => SaevError): void {
  const version = (cfg.metadata as Json | null | undefined)?.sae_lens_version;
  if (typeof version !== "string" || Number.parseInt(version, 10) < 6) {
    throw refuse("written by SAELens before 6; load it there and save it with SAELens 6 or later");
  }
  const normalization = cfg.normalize_activations ?? "none";
  if (normalization === "expected_average_only_in" || normalization === "covariance_whitening") {
    const whitening = normalization === "covariance_whitening";
    const how = whitening ? "fold_activation_whitening" : "fold_activation_norm_scaling_factor";
    throw refuse(
      `normalize_activations is ${normalization}, whose figures are not in the file; fold them in first (${how} of SAELens)`,
    );
  }
  if (normalization !== "none") {
    throw refuse(
      `normalize_activations is ${JSON.stringify(normalization)}, which depends on each row and cannot be folded into the weights`,
    );
  }
  if ((cfg.reshape_activations ?? "none") !== "none") {
    throw refuse(`reshape_activations is ${JSON.stringify(cfg.reshape_activations)}; only none can be read`);
  }
}

function activationOf(architecture: string, cfg: Json, refuse: (what: string) => SaevError): Activation {
  if (architecture === "standard") return { kind: "relu" };
  if (architecture === "jumprelu") return { kind: "jump-relu" };
  if (architecture === "gated") return { kind: "gated" };
  if (architecture !== "topk") {
    throw refuse(
      `architecture ${architecture} cannot be read; standard, topk, jumprelu and gated can (inference checkpoints, not those of training)`,
    );
  }
  // SAELens' own default.
  const k = cfg.k ?? 100;
  if (!Number.isSafeInteger(k)) throw refuse(`k: expected a whole number, found ${JSON.stringify(k)}`);
  return { kind: "top-k", topK: k as number, relu: true };
}

function readTensors(file: TensorFile, activation: Activation, cfg: Json): SaeTensors {
  const read = (name: string): { data: Float32Array; shape: readonly number[] } => {
    if (!file.names().includes(name)) {
      throw new SaevError("BAD_FILE", `${file.path} has no tensor ${name}; found ${file.names().join(", ")}`);
    }
    using tensor = file.get(name);
    return { data: float32Of(tensor, `${file.path}: ${name}`), shape: tensor.shape };
  };
  const [wEnc, wDec, bDec] = [read("W_enc"), read("W_dec"), read("b_dec")];
  const bEnc = read(activation.kind === "gated" ? "b_gate" : "b_enc");
  const sizes = `[${cfg.d_in}, ${cfg.d_sae}]`;
  if (`[${wEnc.shape.join(", ")}]` !== sizes) {
    throw new SaevError(
      "BAD_FILE",
      `${file.path}: cfg.json says d_in, d_sae are ${sizes}, W_enc is [${wEnc.shape.join(", ")}]`,
    );
  }
  if (activation.kind === "top-k" && cfg.rescale_acts_by_decoder_norm === true)
    foldNorms(file.path, wEnc.data, bEnc.data, wDec);
  const tensor = ({ data, shape }: ReturnType<typeof read>) => Tensor.from(data, shape);
  const extra: { threshold?: Tensor; rMag?: Tensor; bMag?: Tensor } = {};
  if (activation.kind === "jump-relu") {
    // SAELens also applies a ReLU, ours keeps what exceeds the threshold: the same where no threshold is below 0.
    const { data, shape } = read("threshold");
    extra.threshold = Tensor.from(
      data.map((v) => Math.max(v, 0)),
      shape,
    );
  }
  if (activation.kind === "gated")
    Object.assign(extra, { rMag: tensor(read("r_mag")), bMag: tensor(read("b_mag")) });
  return { wEnc: tensor(wEnc), bEnc: tensor(bEnc), wDec: tensor(wDec), bDec: tensor(bDec), ...extra };
}

/** Latents times their decoder row's norm, rows of norm 1: what `rescale_acts_by_decoder_norm` computes each time. */
function foldNorms(
  where: string,
  wEnc: Float32Array,
  bEnc: Float32Array,
  wDec: { data: Float32Array; shape: readonly number[] },
): void {
  const [dSae = 0, dVit = 0] = wDec.shape;
  for (let j = 0; j < dSae; j++) {
    const row = wDec.data.subarray(j * dVit, (j + 1) * dVit);
    const norm = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    if (!(norm > 0))
      throw new SaevError(
        "BAD_FILE",
        `${where}: latent ${j} has a decoder row of norm ${norm}, by which SAELens would divide`,
      );
    for (let k = 0; k < dVit; k++) {
      row[k] = (row[k] as number) / norm;
      const i = k * dSae + j;
      wEnc[i] = (wEnc[i] as number) * norm;
    }
    bEnc[j] = (bEnc[j] as number) * norm;
  }
}

function architectureOf(sae: SparseAutoencoder): { architecture: string; k?: number } {
  const { activation } = sae;
  if (activation.kind === "relu") return { architecture: "standard" };
  if (activation.kind === "gated") return { architecture: "gated" };
  if (activation.kind !== "top-k") return { architecture: "jumprelu" };
  if (activation.relu !== false) return { architecture: "topk", k: activation.topK };
  throw new SaevError(
    "UNSUPPORTED",
    "SAELens' topk drops values below 0; this top-k SAE keeps them (relu = false), so its latents would change",
  );
}

/** [d_sae] of a jump-relu SAE, or a batch-top-k SAE's one threshold for each latent. */
function thresholdOf(sae: SparseAutoencoder, own: SaeTensors): Tensor {
  const { activation } = sae;
  if (activation.kind === "batch-top-k")
    return Tensor.from(new Float32Array(sae.dSae).fill(Math.max(activation.threshold ?? 0, 0)));
  const threshold = (own.threshold as Tensor).toFloat32Array();
  const below = threshold.findIndex((v) => v < 0);
  if (below < 0) return Tensor.from(threshold);
  throw new SaevError(
    "UNSUPPORTED",
    `SAELens' jumprelu drops values below 0; latent ${below} has a threshold of ${threshold[below]} and may keep them`,
  );
}
