import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativeDinov3Config } from "../native/vision-model.js";
import { descriptionOf } from "./description.js";
import { configOf, type ModelConfig, type ModelFamily } from "./family.js";
import { imageProcessor } from "./image-processor.js";
import { JsonReader } from "./json-reader.js";
import { checkChannels, isModelType, transformersGelu, transformersSizes } from "./transformers-config.js";
import { dinov3Transform } from "./usual-transforms.js";

const modelTypes = ["dinov3_vit"];

/** The vision transformers of DINOv3 in the layout of Hugging Face's transformers. */
export const dinov3: ModelFamily = {
  name: "dinov3",
  usual: dinov3Transform,
  recognises: (config) => isModelType(config, modelTypes),
  describe(config) {
    const { model, transform } = parse(config);
    const { nRegisters, swiglu } = model;
    return descriptionOf(model, transform, { clsToken: true, nRegisters, ...(swiglu && { mlp: "SwiGLU" }) });
  },
  async load(resolved, options) {
    const { model, transform } = parse(configOf(resolved));
    const handle = await callAsync(options, (control) =>
      addon().loadDinov3(resolved.weights, model, control),
    );
    return { handle, transform };
  },
};

function parse({ text, from }: ModelConfig): { model: NativeDinov3Config; transform: Transform } {
  const root = JsonReader.parse(text, from);
  const unsupported = (why: string) => new SaevError("UNSUPPORTED", `${from}: ${why}`);
  if (!isModelType(root, modelTypes))
    throw unsupported(
      "the dinov3 family reads configs of transformers with model_type dinov3_vit, as facebook/dinov3-vit*",
    );
  for (const bias of ["proj_bias", "mlp_bias"]) {
    if (!root.boolean(bias, true)) throw unsupported(`the dinov3 family does not run models without ${bias}`);
  }
  checkChannels(root);
  const swiglu = root.boolean("use_gated_mlp", false);
  const act = String(root.raw("hidden_act") ?? "gelu");
  // A gated MLP runs on whatever activation the config names: only SiLU makes it a SwiGLU.
  if (swiglu && act !== "silu") throw unsupported(`a gated MLP with ${act} is not run; with silu it is`);
  const transform = imageProcessor(from, "DINOv3ViT");
  return {
    model: {
      ...transformersSizes(root, [transform.height, transform.width], 16),
      hidden: root.integer("intermediate_size", 1536),
      eps: root.number("layer_norm_eps", 1e-5),
      gelu: swiglu ? "erf" : transformersGelu(root),
      nRegisters: root.count("num_register_tokens", 0),
      ropeTheta: root.number("rope_theta", 100),
      swiglu,
      queryBias: root.boolean("query_bias", true),
      keyBias: root.boolean("key_bias", false),
      valueBias: root.boolean("value_bias", true),
    },
    transform,
  };
}
