import type { Transform } from "../images/transform.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativeDinov2Config } from "../native/vision-model.js";
import { descriptionOf } from "./description.js";
import { dinov2HubConfig, parseDinov2Config } from "./dinov2-config.js";
import { isTransformersDinov2, parseTransformersDinov2 } from "./dinov2-transformers.js";
import { dinov2ConfigOfWeights } from "./dinov2-weights.js";
import { configOf, type ModelConfig, type ModelFamily } from "./family.js";
import { JsonReader } from "./json-reader.js";
import { dinov2Transform } from "./usual-transforms.js";

/**
 * The models of dinov2's own code (a state_dict, and the constructor's arguments in a config or behind a name), and the
 * same in the layout of Hugging Face's transformers.
 */
export const dinov2: ModelFamily = {
  name: "dinov2",
  usual: dinov2Transform,
  recognises: (config) =>
    isTransformersDinov2(config) ||
    ["embed_dim", "depth"].every((key) => (config.optional("kwargs") ?? config).has(key)),
  describe(config) {
    const { model, transform } = parse(config);
    const { nRegisters, swiglu } = model;
    return descriptionOf(model, transform, { clsToken: true, nRegisters, ...(swiglu && { mlp: "SwiGLU" }) });
  },
  configOfWeights: dinov2ConfigOfWeights,
  async load(resolved, options) {
    const { reference } = resolved;
    const { model, transform } =
      reference.kind === "dinov2"
        ? { model: dinov2HubConfig(reference.model), transform: dinov2Transform }
        : parse(configOf(resolved));
    const handle = await callAsync(options, (control) =>
      addon().loadDinov2(resolved.weights, model, control),
    );
    return { handle, transform };
  },
};

function parse(config: ModelConfig): { model: NativeDinov2Config; transform: Transform } {
  const { text, from } = config;
  if (isTransformersDinov2(JsonReader.parse(text, from))) return parseTransformersDinov2(config);
  return { model: parseDinov2Config(text, from), transform: dinov2Transform };
}
