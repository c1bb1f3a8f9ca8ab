import { access } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../../errors.js";
import { TensorFile, writeSafetensors } from "../../io/tensor-file.js";
import { writeText } from "../../io/write-text.js";
import { Tensor } from "../../tensor.js";
import { otherInput } from "../save-checkpoint.js";
import { SparseAutoencoder } from "../sparse-autoencoder.js";
import { disposeTensors } from "../tensors.js";
import { float32Of } from "./float32.js";
import { folderOf, readConfig } from "./folder.js";
import type { CheckpointFormat } from "./format.js";
import { groupsNotKept } from "./groups-not-kept.js";
import { transposed } from "./transposed.js";

const weightsName = "sae.safetensors";
const configName = "cfg.json";

/** sparsify: `sae.safetensors` and `cfg.json` of a top-k SAE whose encoder sees x − b_dec. */
export const sparsify: CheckpointFormat = {
  name: "sparsify",

  async recognises(where) {
    const dir = folderOf(where, weightsName);
    const cfg = await readConfig(dir, configName).catch(() => undefined);
    if (cfg === undefined || !("d_in" in cfg && "k" in cfg)) return false;
    return access(path.join(dir, weightsName)).then(
      () => true,
      () => false,
    );
  },

  async read(where, options) {
    const dir = folderOf(where, weightsName);
    const cfg = await readConfig(dir, configName);
    const refuse = (what: string) => new SaevError("UNSUPPORTED", `${path.join(dir, configName)}: ${what}`);
    if (cfg.transcode === true) throw refuse("a transcoder, which predicts other activations than it sees");
    if (cfg.skip_connection === true) throw refuse("skip_connection has no place in our SAE");
    if ((cfg.activation ?? "topk") !== "topk")
      throw refuse(`activation ${JSON.stringify(cfg.activation)} cannot be read; topk can`);
    if (!Number.isSafeInteger(cfg.k))
      throw refuse(`k: expected a whole number, found ${JSON.stringify(cfg.k)}`);
    using file = await TensorFile.open(path.join(dir, weightsName), options);
    const names = ["encoder.weight", "encoder.bias", "W_dec", "b_dec"];
    const found = file.names();
    if (found.length !== names.length || names.some((name) => !found.includes(name)))
      throw new SaevError(
        "BAD_FILE",
        `${file.path}: expected the tensors ${names.join(", ")}; found ${found.join(", ")}`,
      );
    const [weight, bEnc, wDec, bDec] = names.map((name) => {
      using tensor = file.get(name);
      return Tensor.from(float32Of(tensor, `${file.path}: ${name}`), tensor.shape);
    }) as [Tensor, Tensor, Tensor, Tensor];
    const tensors = { wEnc: transposed(weight), bEnc, wDec, bDec };
    weight.dispose();
    try {
      return SparseAutoencoder.from(tensors, "centred", { kind: "top-k", topK: cfg.k as number, relu: true });
    } catch (error) {
      if (!(error instanceof SaevError)) throw error;
      const code = error.code === "SHAPE_MISMATCH" ? "BAD_FILE" : error.code;
      throw new SaevError(code, `${file.path}: ${error.message}`, { cause: error });
    } finally {
      disposeTensors(tensors);
    }
  },

  notKept: (sae) => groupsNotKept(sae, "sparsify"),

  async write(dir, sae, options) {
    const { activation } = sae;
    if (activation.kind !== "top-k" || activation.relu === false)
      throw new SaevError(
        "UNSUPPORTED",
        `sparsify holds top-k SAEs with a ReLU only; this one is ${activation.kind}${activation.kind === "top-k" ? " with relu = false" : ""}`,
      );
    const own = sae.tensors();
    const tensors = sae.input === "centred" ? own : otherInput(own, 1);
    const weight = transposed(own.wEnc);
    try {
      const named = {
        "encoder.weight": weight,
        "encoder.bias": tensors.bEnc,
        W_dec: own.wDec,
        b_dec: own.bDec,
      };
      await writeSafetensors(path.join(dir, weightsName), named, options);
    } finally {
      weight.dispose();
      if (tensors !== own) tensors.bEnc.dispose();
      disposeTensors(own);
    }
    const cfg = {
      activation: "topk",
      expansion_factor: Math.max(1, Math.round(sae.dSae / sae.dVit)),
      normalize_decoder: false,
      num_latents: sae.dSae,
      k: activation.topK,
      multi_topk: false,
      skip_connection: false,
      transcode: false,
      d_in: sae.dVit,
    };
    await writeText(path.join(dir, configName), `${JSON.stringify(cfg, null, 2)}\n`);
  },
};
