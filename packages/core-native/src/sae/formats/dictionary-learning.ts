import { access } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../../errors.js";
import { TensorFile, writeTensors } from "../../io/tensor-file.js";
import { writeText } from "../../io/write-text.js";
import { Tensor } from "../../tensor.js";
import type { Activation } from "../activation.js";
import { groupSizesKey, groupSizesOf } from "../group-sizes.js";
import { SparseAutoencoder } from "../sparse-autoencoder.js";
import { disposeTensors, type SaeTensors } from "../tensors.js";
import { type Dictionary, dictionaries, foldRowNorms, writtenAs } from "./dictionaries.js";
import { float32Of } from "./float32.js";
import { folderOf, readConfig } from "./folder.js";
import type { CheckpointFormat } from "./format.js";
import { groupsNotKept } from "./groups-not-kept.js";
import { transposed } from "./transposed.js";

const weightsName = "ae.pt";
const configName = "config.json";

type Json = Record<string, unknown>;

/** dictionary_learning 0.1: `ae.pt`, a state_dict, and `config.json`, whose `trainer` names its class. */
export const dictionaryLearning: CheckpointFormat = {
  name: "dictionary-learning",

  async recognises(where) {
    const dir = folderOf(where, weightsName);
    const cfg = await readConfig(dir, configName).catch(() => undefined);
    if (typeof trainerOf(cfg)?.dict_class !== "string") return false;
    return access(path.join(dir, weightsName)).then(
      () => true,
      () => false,
    );
  },

  async read(where, options) {
    const dir = folderOf(where, weightsName);
    const trainer = trainerOf(await readConfig(dir, configName)) ?? {};
    const name = String(trainer.dict_class);
    const dictionary = dictionaries[name];
    if (dictionary === undefined)
      throw new SaevError(
        "UNSUPPORTED",
        `${path.join(dir, configName)}: dict_class ${name} cannot be read; ${Object.keys(dictionaries).join(", ")} can`,
      );
    using file = await TensorFile.open(path.join(dir, weightsName), options);
    const tensors = readTensors(file, dictionary);
    try {
      if (dictionary.normalized) foldRowNorms(file.path, tensors);
      const activation = activationOf(file, dictionary, trainer.k, path.join(dir, configName));
      const sae = SparseAutoencoder.from(tensors, dictionary.input, activation);
      try {
        sae.groupSizes = groupSizesOf(file.path, readGroupSizes(file), sae.dSae);
        return sae;
      } catch (error) {
        sae.dispose();
        throw error;
      }
    } catch (error) {
      if (!(error instanceof SaevError)) throw error;
      const code = error.code === "SHAPE_MISMATCH" ? "BAD_FILE" : error.code;
      throw error.message.startsWith(dir)
        ? error
        : new SaevError(code, `${file.path}: ${error.message}`, { cause: error });
    } finally {
      disposeTensors(tensors);
    }
  },

  notKept: (sae) =>
    sae.activation.kind === "batch-top-k"
      ? []
      : groupsNotKept(sae, "dictionary_learning, whose Matryoshka class is batch-top-k,"),

  async write(dir, sae, options) {
    const { activation } = sae;
    const { name, tensors } = writtenAs(sae);
    const { names, linear } = dictionaries[name] as Dictionary;
    const state = new Map<string, Tensor>();
    const made: Tensor[] = [];
    const keep = (tensor: Tensor) => {
      made.push(tensor);
      return tensor;
    };
    try {
      for (const [key, theirs] of Object.entries(names) as [keyof SaeTensors, string][]) {
        const tensor = tensors[key] as Tensor;
        const matrix = linear && (key === "wEnc" || key === "wDec");
        state.set(theirs, matrix ? keep(transposed(tensor)) : tensor);
      }
      if ("topK" in activation) {
        // Theirs notes with −1 that there is no threshold yet; a top-k SAE encodes without it.
        const threshold = activation.kind === "batch-top-k" ? Math.max(activation.threshold ?? 0, 0) : -1;
        state.set("k", keep(Tensor.from(Int32Array.of(activation.topK), [])));
        state.set("threshold", keep(Tensor.from(Float32Array.of(threshold), [])));
      }
      if (name === "MatryoshkaBatchTopKSAE" && sae.groupSizes)
        state.set("group_sizes", keep(Tensor.from(BigInt64Array.from(sae.groupSizes, BigInt))));
      await writeTensors(path.join(dir, weightsName), state, { ...options, ordered: true });
    } finally {
      for (const tensor of made) tensor.dispose();
      disposeTensors(tensors);
    }
    const trainer = {
      dict_class: name,
      activation_dim: sae.dVit,
      dict_size: sae.dSae,
      ...("topK" in activation && { k: activation.topK }),
      ...(name === "MatryoshkaBatchTopKSAE" && { group_sizes: sae.groupSizes }),
    };
    await writeText(path.join(dir, configName), `${JSON.stringify({ trainer }, null, 2)}\n`);
  },
};

function trainerOf(cfg: Json | undefined): Json | undefined {
  const trainer = cfg?.trainer;
  return typeof trainer === "object" && trainer !== null ? (trainer as Json) : undefined;
}

function readTensors(file: TensorFile, { names, linear }: Dictionary): SaeTensors {
  const found = file.names();
  const read = Object.entries(names).map(([key, name]) => {
    if (!found.includes(name))
      throw new SaevError("BAD_FILE", `${file.path} has no tensor ${name}; found ${found.join(", ")}`);
    using tensor = file.get(name);
    let data = float32Of(tensor, `${file.path}: ${name}`);
    // Theirs also applies a ReLU, ours keeps what exceeds the threshold: the same where no threshold is below 0.
    if (key === "threshold") data = data.map((v) => Math.max(v, 0));
    const copy = Tensor.from(data, tensor.shape);
    if (!linear || (key !== "wEnc" && key !== "wDec")) return [key, copy] as const;
    const turned = transposed(copy);
    copy.dispose();
    return [key, turned] as const;
  });
  return Object.fromEntries(read) as unknown as SaeTensors;
}

/** Of MatryoshkaBatchTopKSAE; undefined for the other classes. */
function readGroupSizes(file: TensorFile): number[] | undefined {
  if (!file.names().includes(groupSizesKey)) return undefined;
  using tensor = file.get(groupSizesKey);
  return Array.from(tensor.toTypedArray(), Number);
}

/** What the class makes of pre-activations; k from the weights' file, else from the config, which must agree. */
function activationOf(
  file: TensorFile,
  { kind }: Dictionary,
  configured: unknown,
  configFile: string,
): Activation {
  if (kind !== "top-k" && kind !== "batch-top-k") return { kind };
  const scalar = (name: string): number | undefined => {
    if (!file.names().includes(name)) return undefined;
    using tensor = file.get(name);
    return Number(tensor.toTypedArray()[0]);
  };
  const k = scalar("k") ?? configured;
  if (!Number.isSafeInteger(k) || (configured !== undefined && configured !== k))
    throw new SaevError(
      "BAD_FILE",
      `${configFile}: k: expected a whole number, the same as in ${weightsName}, found ${JSON.stringify(configured)} here and ${JSON.stringify(k)} there`,
    );
  if (kind === "top-k") return { kind, topK: k as number, relu: true };
  const threshold = scalar("threshold");
  if (threshold === undefined)
    throw new SaevError(
      "BAD_FILE",
      `${file.path} has no tensor threshold, without which a batch-top-k SAE cannot encode`,
    );
  // −1: none was measured; its ReLU then keeps what is above 0.
  return { kind, topK: k as number, relu: true, threshold: Math.max(threshold, 0) };
}
