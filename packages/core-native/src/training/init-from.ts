import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { dSae, type ResolvedTrain } from "@saev/config";
import { SaevError } from "../errors.js";
import { TensorFile } from "../io/tensor-file.js";
import type { LongCallOptions } from "../native/call.js";
import type { Activation } from "../sae/activation.js";
import { loadCheckpoint } from "../sae/checkpoint.js";
import { centredTensors } from "../sae/save-checkpoint.js";
import { type Scaling, scalingKey, scalingOf } from "../sae/scaling.js";
import { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { disposeTensors, type SaeTensors } from "../sae/tensors.js";
import { Tensor } from "../tensor.js";
import { statesOf } from "./run-states.js";

/**
 * What `init_from` names: an sae.pt of any age, a run's folder (its sae.pt, else its last state) or one of its states. An
 * encoder that sees x is converted to one that sees x − b_dec; BatchTopK's threshold is found anew. The caller disposes of the tensors.
 * @throws SaevError `INVALID_ARGUMENT` when it is of another kind or size than `cfg.sae`, `NOT_FOUND`, and as the file's reader.
 */
export async function readStart(cfg: ResolvedTrain, options?: LongCallOptions): Promise<SaeTensors> {
  const file = fileOf(cfg.init_from);
  return file.endsWith(".safetensors") ? fromState(file, cfg, options) : fromCheckpoint(file, cfg, options);
}

/**
 * How the activations of what `init_from` names were scaled; `undefined` where it does not say, or is of another width, which
 * {@link readStart} refuses.
 * @throws SaevError as {@link readStart}.
 */
export async function startScaling(
  cfg: ResolvedTrain,
  options?: LongCallOptions,
): Promise<{ readonly scaling: Scaling; readonly of: string } | undefined> {
  const file = fileOf(cfg.init_from);
  const scaling = file.endsWith(".safetensors")
    ? await scalingOfState(file, cfg)
    : await scalingOfCheckpoint(file, options);
  const fits = scaling?.actMean.length === cfg.sae.d_vit;
  return scaling && fits ? { scaling, of: cfg.init_from } : undefined;
}

async function scalingOfCheckpoint(file: string, options?: LongCallOptions): Promise<Scaling | undefined> {
  const { sae } = await loadCheckpoint(file, options);
  using _ = sae;
  return sae.scaling;
}

/** How the activations of a state of a run were scaled; `undefined` where an earlier saev wrote it. @throws SaevError `BAD_FILE`. */
export async function scalingOfState(file: string, { sae }: ResolvedTrain): Promise<Scaling | undefined> {
  using state = await TensorFile.open(file);
  const given = state.metadata.get(scalingKey);
  return given === undefined ? undefined : scalingOf(file, { [scalingKey]: JSON.parse(given) }, sae.d_vit);
}

function fileOf(given: string): string {
  if (!existsSync(given)) {
    throw new SaevError(
      "NOT_FOUND",
      `init_from: expected a checkpoint (sae.pt, a run's folder or one of its states), found nothing at ${given}`,
    );
  }
  if (!statSync(given).isDirectory()) return given;
  const sae = path.join(given, "sae.pt");
  const file = existsSync(sae) ? sae : statesOf(given).at(-1)?.path;
  if (file !== undefined) return file;
  throw new SaevError(
    "NOT_FOUND",
    `init_from: ${given} holds no sae.pt and no states; name another checkpoint`,
  );
}

async function fromCheckpoint(
  file: string,
  cfg: ResolvedTrain,
  options?: LongCallOptions,
): Promise<SaeTensors> {
  const { sae } = await loadCheckpoint(file, options);
  using _ = sae;
  const { kind } = sae.activation;
  require(file, "kind", cfg.sae.kind, kind);
  requireSizes(file, cfg, sae.dVit, sae.dSae);
  return centredTensors(sae);
}

async function fromState(file: string, cfg: ResolvedTrain, options?: LongCallOptions): Promise<SaeTensors> {
  using tensors = await TensorFile.open(file, options);
  const config = tensors.metadata.get("config");
  if (config === undefined) {
    throw new SaevError(
      "BAD_FILE",
      `init_from: ${file}: expected a state of a run, found another file of tensors`,
    );
  }
  const { sae } = JSON.parse(config) as ResolvedTrain;
  require(file, "kind", cfg.sae.kind, sae.kind);
  const [dVit = 0, n = 0] = tensors.get("W_enc").shape;
  requireSizes(file, cfg, dVit, n);
  return stateTensors(tensors);
}

/** The parameters in a state of a run, as copies; W_dec's rows lie there as the next step reads them. */
function stateTensors(tensors: TensorFile): SaeTensors {
  const own = (name: string) => (tensors.names().includes(name) ? tensors.get(name) : undefined);
  using logThreshold = own("log_threshold");
  const threshold = logThreshold && Tensor.from(logThreshold.toFloat32Array().map(Math.exp));
  const rMag = own("r_mag");
  const bMag = own("b_mag");
  return {
    wEnc: tensors.get("W_enc"),
    bEnc: tensors.get("b_enc"),
    wDec: tensors.get("W_dec"),
    bDec: tensors.get("b_dec"),
    ...(threshold && { threshold }),
    ...(rMag && { rMag }),
    ...(bMag && { bMag }),
  };
}

/**
 * The SAE in a state of the run of `cfg`, with BatchTopK's threshold of then.
 * @throws SaevError as the file's reader.
 */
export async function saeOfState(
  file: string,
  { sae }: ResolvedTrain,
  options?: LongCallOptions,
): Promise<SparseAutoencoder> {
  using state = await TensorFile.open(file, options);
  const tensors = stateTensors(state);
  try {
    return SparseAutoencoder.from(tensors, "centred", activationOf(sae, state));
  } finally {
    disposeTensors(tensors);
  }
}

function activationOf(sae: ResolvedTrain["sae"], state: TensorFile): Activation {
  if (!("top_k" in sae)) return { kind: sae.kind };
  const { top_k: topK, relu } = sae;
  if (sae.kind === "top-k") return { kind: "top-k", topK, relu };
  using threshold = state.get("threshold");
  return { kind: "batch-top-k", topK, relu, threshold: threshold.toFloat32Array()[0]! };
}

function requireSizes(file: string, cfg: ResolvedTrain, dVit: number, n: number): void {
  require(file, "d_vit", cfg.sae.d_vit, dVit);
  require(file, "d_sae", dSae(cfg.sae), n);
}

function require(file: string, what: string, asked: string | number, found: string | number): void {
  if (asked === found) return;
  throw new SaevError(
    "INVALID_ARGUMENT",
    `init_from: ${file} has ${what} ${found}, this run asks for ${asked}; its weights can only start an SAE of the same ${what}`,
  );
}
