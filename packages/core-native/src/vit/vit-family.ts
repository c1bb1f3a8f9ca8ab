import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativeVitConfig } from "../native/vision-model.js";
import { descriptionOf } from "./description.js";
import { configOf, type ModelConfig, type ModelFamily } from "./family.js";
import { imageProcessor } from "./image-processor.js";
import { JsonReader } from "./json-reader.js";
import { checkTimmArguments, readTimmModel, timmName, timmSizes } from "./timm-model.js";
import { checkChannels, isModelType, transformersGelu, transformersSizes } from "./transformers-config.js";
import { vitTransform } from "./usual-transforms.js";

/** model_type of transformers, and the class of its image processor. */
const modelTypes = { vit: "ViT", deit: "DeiT", vit_mae: "ViT" } as const;

const isTransformers = (config: JsonReader): boolean => isModelType(config, Object.keys(modelTypes));

/** Plain vision transformers: ViT, DeiT and MAE's encoder of transformers, and timm's VisionTransformer. */
export const plainVit: ModelFamily = {
  name: "vit",
  usual: vitTransform,
  recognises: (config) => isTransformers(config) || timmName(config)?.kind === "vit",
  describe(config) {
    const { model, transform } = parse(config);
    const nRegisters = model.nRegisters + Number(model.distilled);
    return descriptionOf(model, transform, {
      ...{ clsToken: model.clsToken, nRegisters },
      ...(model.swiglu && { mlp: "SwiGLU" }),
    });
  },
  async load(resolved, options) {
    const { model, transform } = parse(configOf(resolved));
    const handle = await callAsync(options, (control) => addon().loadVit(resolved.weights, model, control));
    return { handle, transform };
  },
};

interface Parsed {
  readonly model: NativeVitConfig;
  readonly transform: Transform;
}

function parse(config: ModelConfig): Parsed {
  const root = JsonReader.parse(config.text, config.from);
  if (isTransformers(root)) return parseTransformers(root, config.from);
  if (timmName(root)?.kind === "vit") return parseTimm(config);
  throw new SaevError(
    "UNSUPPORTED",
    `${config.from}: the vit family reads configs of transformers (model_type ${Object.keys(modelTypes).join(", ")}) and ` +
      "of timm (architecture vit_…, deit_…)",
  );
}

function parseTransformers(root: JsonReader, from: string): Parsed {
  checkChannels(root);
  const type = root.string("model_type") as keyof typeof modelTypes;
  const transform = imageProcessor(from, modelTypes[type]);
  const [height, width] = root.pair("image_size", 224);
  return {
    model: {
      ...transformersSizes(root, [height, width], 16),
      hidden: root.integer("intermediate_size", 3072),
      eps: root.number("layer_norm_eps", 1e-12),
      gelu: transformersGelu(root),
      ...{ transformers: true, clsToken: true, distilled: type === "deit", nRegisters: 0 },
      ...{ prefixPositions: true, normBeforeBlocks: false, layerScale: false, swiglu: false },
      qkvBias: root.boolean("qkv_bias", true),
    },
    transform,
  };
}

/** Arguments of timm's VisionTransformer that are read. */
const read = [
  ...["class_token", "distilled", "reg_tokens", "no_embed_class", "pre_norm", "init_values", "qkv_bias"],
  "mlp_layer",
];

function parseTimm(config: ModelConfig): Parsed {
  const timm = readTimmModel(config);
  const { args } = timm;
  checkTimmArguments(timm, "vit", read);
  const layer = args.has("mlp_layer") ? args.string("mlp_layer") : "Mlp";
  const swiglu = layer === "SwiGLUPacked";
  if (layer !== "Mlp" && !swiglu)
    throw new SaevError("UNSUPPORTED", `${args.what}: the MLP ${layer} is not run`);
  const sizes = timmSizes(timm);
  const distilled = args.boolean("distilled", false);
  return {
    model: {
      ...sizes,
      head: distilled && sizes.head.pool !== "none" ? { ...sizes.head, pool: "first two" } : sizes.head,
      // Packed: gate and value together are as wide as mlp_ratio says.
      hidden: swiglu ? Math.floor(sizes.hidden / 2) : sizes.hidden,
      transformers: false,
      clsToken: args.boolean("class_token", true),
      distilled,
      nRegisters: args.count("reg_tokens", 0),
      prefixPositions: !args.boolean("no_embed_class", false),
      normBeforeBlocks: args.boolean("pre_norm", false),
      layerScale: args.has("init_values"),
      qkvBias: args.boolean("qkv_bias", true),
      swiglu,
    },
    transform: timm.transform,
  };
}
