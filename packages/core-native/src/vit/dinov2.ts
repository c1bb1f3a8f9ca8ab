import type { ResolvedModel } from "../hub/resolve.js";
import type { Transform } from "../images/transform.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativeDinov2Config } from "../native/vision-model.js";
import { descriptionOf } from "./description.js";
import { dinov2HubConfig, dinov2Side, parseDinov2Config } from "./dinov2-config.js";
import { dinov2ConfigOfWeights } from "./dinov2-weights.js";
import { configOf, type ModelDescription, type ModelFamily } from "./family.js";

/** What the Python package does to a picture for dinov2: both sides to 256, the middle 224 cut out. */
const transform: Transform = {
  mode: "squash",
  resizeHeight: 256,
  resizeWidth: 256,
  height: dinov2Side,
  width: dinov2Side,
  filter: "bilinear",
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  reciprocal: true, // it goes through torchvision's v2
};

/** The models of dinov2's own code: a state_dict, and the constructor's arguments in a config or behind a name. */
export const dinov2: ModelFamily = {
  name: "dinov2",
  recognises: (config) =>
    ["embed_dim", "depth"].every((key) => (config.optional("kwargs") ?? config).has(key)),
  describe({ text, from }) {
    return description(parseDinov2Config(text, from));
  },
  configOfWeights: dinov2ConfigOfWeights,
  async load(resolved, options) {
    const config = configFor(resolved);
    const handle = await callAsync(options, (control) =>
      addon().loadDinov2(resolved.weights, config, control),
    );
    return { handle, transform };
  },
};

function configFor(resolved: ResolvedModel): NativeDinov2Config {
  if (resolved.reference.kind === "dinov2") return dinov2HubConfig(resolved.reference.model);
  const { text, from } = configOf(resolved);
  return parseDinov2Config(text, from);
}

function description(config: NativeDinov2Config): ModelDescription {
  const { nRegisters, swiglu } = config;
  return descriptionOf(config, transform, { clsToken: true, nRegisters, ...(swiglu && { mlp: "SwiGLU" }) });
}
