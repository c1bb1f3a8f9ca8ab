import { SaevError } from "../errors.js";
import { readSaeFile, type SaeFile } from "../io/sae-file.js";
import type { LongCallOptions } from "../native/call.js";
import type { Tensor } from "../tensor.js";
import type { Activation } from "./activation.js";
import { groupSizesKey, groupSizesOf } from "./group-sizes.js";
import { forms, type PythonSchema, reluKey } from "./python-schemas.js";
import { scalingOf } from "./scaling.js";
import { type EncoderInput, SparseAutoencoder } from "./sparse-autoencoder.js";
import type { SaeTensors } from "./tensors.js";

/** What a checkpoint's header says, whatever its age. */
export interface SaeHeader {
  /** `undefined`: written before there were schemas. 1: June 2025, and ours. 2 to 5: later. */
  readonly schema: number | undefined;
  readonly dVit: number;
  readonly dSae: number;
  /** What the encoder of such a file sees. */
  readonly input: EncoderInput;
  /** From pre-activations to latents; a threshold is in the tensors. */
  readonly activation: Activation;
  /** The SAE's config as the file has it. */
  readonly cfg: Readonly<Record<string, unknown>>;
}

export interface LoadOptions extends LongCallOptions {
  /**
   * Forces what the encoder sees. By default it follows from the header: `centred` without a schema and for schema 1,
   * `raw` for schemas 2 to 5. Two kinds of file do not tell: schema 1 of 31 July 2025's last hours (raw), and the
   * Matryoshka class of August 2025 (schema 2, centred).
   */
  readonly input?: EncoderInput | undefined;
}

type Json = Record<string, unknown>;

/**
 * Reads `sae.pt` of the Python package, of any age, or of ours.
 * @throws SaevError `BAD_FILE` for a damaged file or a header that does not fit its tensors, `UNSUPPORTED` for a kind of
 * SAE or a schema that this version does not know, `NUMERIC` when a weight is not finite, `NOT_FOUND`, `IO`.
 */
export async function loadCheckpoint(
  path: string,
  options: LoadOptions = {},
): Promise<{ readonly sae: SparseAutoencoder; readonly header: SaeHeader }> {
  const file = await readSaeFile(path, options);
  try {
    const header = parseHeader(path, file.header);
    const tensors = pickTensors(path, file, header);
    const input = options.input ?? header.input;
    const [dVit = 0, dSae = 0] = tensors.wEnc.shape;
    const activation = withThreshold(path, file, header.activation);
    const scaling = scalingOf(path, file.header, dVit);
    const groupSizes = groupSizesOf(path, file.header[groupSizesKey], dSae);
    const sae = SparseAutoencoder.from(tensors, input, activation);
    sae.scaling = scaling;
    sae.groupSizes = groupSizes;
    sae.source = file.header;
    return {
      sae,
      header: { ...header, activation, dVit, dSae },
    };
  } catch (error) {
    if (error instanceof SaevError && !error.message.startsWith(path)) {
      throw new SaevError(
        error.code === "SHAPE_MISMATCH" || error.code === "INVALID_ARGUMENT" ? "BAD_FILE" : error.code,
        `${path}: ${error.message}`,
        {
          cause: error,
        },
      );
    }
    throw error;
  } finally {
    for (const tensor of file.tensors.values()) tensor.dispose();
  }
}

/** Reads a header of any schema; sizes are 0 where it does not say. */
function parseHeader(path: string, header: Readonly<Json>): SaeHeader {
  const { schema } = header;
  if (schema === undefined) {
    for (const key of ["d_vit", "exp_factor", "sparsity_coeff", "ghost_grads"]) {
      if (!(key in header)) {
        throw new SaevError(
          "BAD_FILE",
          `${path}: the header has no schema, and not the field ${key} that files without one have; is it an SAE checkpoint?`,
        );
      }
    }
    return {
      schema,
      ...sizes(path, header),
      input: forms["pre-schema"].input,
      activation: { kind: "relu" },
      cfg: header,
    };
  }
  if (typeof schema !== "number" || ![1, 2, 3, 4, 5].includes(schema)) {
    throw new SaevError(
      "UNSUPPORTED",
      `${path}: schema ${JSON.stringify(schema)} is unknown; this version reads files without a schema and schemas 1 to 5`,
    );
  }
  const cfg = header.cfg;
  if (typeof cfg !== "object" || cfg === null || Array.isArray(cfg)) {
    throw new SaevError("BAD_FILE", `${path}: the header has no config "cfg"`);
  }
  return {
    schema,
    ...sizes(path, cfg as Json),
    input: forms[schema as PythonSchema].input,
    activation: activationOf(path, header, cfg as Json),
    cfg: cfg as Json,
  };
}

/**
 * The activation that a header names. The Python package's top-k kinds keep negative values; ours says beside the config
 * when it was trained with the ReLU.
 */
function activationOf(path: string, header: Readonly<Json>, cfg: Json): Activation {
  const kind = kindOf(header, cfg);
  // The last two are ours: the Python package has no such kinds, and June 2025's JumpRelu no parameters.
  if (kind === "relu") return { kind };
  if ((kind === "jump-relu" || kind === "gated") && header.schema !== 1) return { kind };
  if (kind !== "top-k" && kind !== "batch-top-k") {
    throw new SaevError(
      "UNSUPPORTED",
      `${path} holds an SAE of kind ${kind}, which this version cannot run; relu, jump-relu, top-k, batch-top-k and gated it can`,
    );
  }
  const activation = cfg.activation as Json | undefined;
  const topK = ((activation?.params as Json | undefined) ?? activation)?.top_k;
  if (!Number.isSafeInteger(topK) || (topK as number) < 1) {
    throw new SaevError(
      "BAD_FILE",
      `${path}: top_k in the header: expected a whole number above 0, found ${JSON.stringify(topK)}`,
    );
  }
  return { kind, topK: topK as number, relu: header[reluKey] === true };
}

function withThreshold(path: string, file: SaeFile, activation: Activation): Activation {
  if (activation.kind !== "batch-top-k") return activation;
  const threshold = file.tensors.get("activation.threshold")?.toFloat32Array()[0];
  if (threshold !== undefined) return { ...activation, threshold };
  throw new SaevError(
    "BAD_FILE",
    `${path} has no tensor activation.threshold, without which a batch-top-k SAE cannot encode`,
  );
}

/** "relu", "top-k" …: from the activation's class or key, else from the class of the SAE's config. */
function kindOf(header: Readonly<Json>, cfg: Json): string {
  const activation = cfg.activation as Json | undefined;
  const params = activation?.params as Json | undefined;
  const name = activation?.cls ?? activation?.key ?? params?.key ?? header.cls ?? "relu";
  return String(name)
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .replace(/K$/, "k")
    .replace(/([a-z])K\b/g, "$1-k")
    .toLowerCase();
}

function sizes(path: string, cfg: Readonly<Json>): { dVit: number; dSae: number } {
  const whole = (value: unknown, name: string): number => {
    if (value === undefined) return 0;
    if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
    throw new SaevError(
      "BAD_FILE",
      `${path}: ${name} in the header: expected a whole number above 0, found ${JSON.stringify(value)}`,
    );
  };
  const dVit = whole(cfg.d_vit ?? cfg.d_model, "d_vit");
  return { dVit, dSae: whole(cfg.d_sae, "d_sae") || dVit * whole(cfg.exp_factor, "exp_factor") };
}

function pickTensors(path: string, file: SaeFile, header: SaeHeader): SaeTensors {
  const pick = (name: string): Tensor => {
    const tensor = file.tensors.get(name);
    if (tensor) return tensor;
    throw new SaevError(
      "BAD_FILE",
      `${path} has no tensor ${name}; found ${[...file.tensors.keys()].join(", ")}`,
    );
  };
  const { kind } = header.activation;
  const tensors = {
    wEnc: pick("W_enc"),
    bEnc: pick("b_enc"),
    wDec: pick("W_dec"),
    bDec: pick("b_dec"),
    ...(kind === "jump-relu" && { threshold: pick("activation.threshold") }),
    ...(kind === "gated" && { rMag: pick("activation.r_mag"), bMag: pick("activation.b_mag") }),
  };
  const [dVit, dSae] = tensors.wEnc.shape;
  if ((header.dVit && header.dVit !== dVit) || (header.dSae && header.dSae !== dSae)) {
    throw new SaevError(
      "BAD_FILE",
      `${path}: the header says d_vit ${header.dVit} and d_sae ${header.dSae}, W_enc is [${tensors.wEnc.shape.join(", ")}]`,
    );
  }
  return tensors;
}
