import { SaevError } from "../errors.js";
import type { NativeModelSizes } from "../native/vision-model.js";
import { plainHead } from "./head.js";
import type { JsonReader } from "./json-reader.js";

/** transformers' names of the GELUs. */
const gelus: Readonly<Record<string, NativeModelSizes["gelu"]>> = {
  gelu: "erf",
  gelu_python: "erf",
  gelu_new: "tanh",
  gelu_fast: "tanh",
  gelu_pytorch_tanh: "tanh",
  quick_gelu: "quick",
};

/** `hidden_act`. @throws SaevError `UNSUPPORTED` for activations that are no GELU. */
export function transformersGelu(config: JsonReader): NativeModelSizes["gelu"] {
  const name = config.has("hidden_act") ? config.string("hidden_act") : "gelu";
  const gelu = Object.hasOwn(gelus, name) ? gelus[name] : undefined;
  if (gelu) return gelu;
  throw new SaevError(
    "UNSUPPORTED",
    `${config.what}: hidden_act ${name} is not run; ${Object.keys(gelus).join(", ")} are`,
  );
}

/** Whether a config is of this kind of transformers' models. */
export const isModelType = (config: JsonReader, types: readonly string[]): boolean =>
  types.includes(String(config.raw("model_type")));

/** What all their configs call the same. Sizes of pictures come from the preprocessing. */
export function transformersSizes(
  config: JsonReader,
  [height, width]: readonly [number, number],
  patchSize: number,
): Omit<NativeModelSizes, "hidden" | "eps" | "gelu"> {
  const [patchHeight, patchWidth] = config.pair("patch_size", patchSize);
  return {
    ...{ height, width, patchHeight, patchWidth },
    nLayers: config.integer("num_hidden_layers", 12),
    dVit: config.integer("hidden_size", 768),
    heads: config.integer("num_attention_heads", 12),
    head: plainHead,
  };
}

/** @throws SaevError `UNSUPPORTED` for pictures that are not of three channels. */
export function checkChannels(config: JsonReader): void {
  const channels = config.integer("num_channels", 3);
  if (channels !== 3)
    throw new SaevError(
      "UNSUPPORTED",
      `${config.what}: the model takes ${channels} channels; saev gives it red, green and blue`,
    );
}
