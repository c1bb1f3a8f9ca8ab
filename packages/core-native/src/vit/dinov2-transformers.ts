import type { Transform } from "../images/transform.js";
import type { NativeDinov2Config } from "../native/vision-model.js";
import { dinov2Hidden } from "./dinov2-config.js";
import type { ModelConfig } from "./family.js";
import { imageProcessor } from "./image-processor.js";
import { JsonReader } from "./json-reader.js";
import { checkChannels, isModelType, transformersGelu, transformersSizes } from "./transformers-config.js";

const withRegisters = "dinov2_with_registers";

/** Whether a config is that of a DINOv2 in transformers' layout. */
export const isTransformersDinov2 = (config: JsonReader): boolean =>
  isModelType(config, ["dinov2", withRegisters]);

/**
 * Reads a DINOv2's config of Hugging Face's transformers. Positions are interpolated to the size of the preprocessing as
 * transformers does it: without an offset, and antialiased in models with registers.
 * @throws SaevError `BAD_FILE`, `UNSUPPORTED` for members that are not built here.
 */
export function parseTransformersDinov2({ text, from }: ModelConfig): {
  model: NativeDinov2Config;
  transform: Transform;
} {
  const root = JsonReader.parse(text, from);
  checkChannels(root);
  const transform = imageProcessor(from, "Bit");
  const sizes = transformersSizes(root, [transform.height, transform.width], 14);
  const registers = isModelType(root, [withRegisters]);
  const swiglu = root.boolean("use_swiglu_ffn", false);
  const [stored] = root.pair("image_size", 224);
  return {
    model: {
      ...sizes,
      hidden: dinov2Hidden(Math.trunc(sizes.dVit * root.number("mlp_ratio", 4)), swiglu),
      eps: root.number("layer_norm_eps", 1e-6),
      gelu: transformersGelu(root),
      positionsSide: Math.floor(stored / sizes.patchHeight),
      nRegisters: registers ? root.count("num_register_tokens", 4) : 0,
      layerScale: true,
      swiglu,
      antialias: registers,
      offset: 0,
      layersPerChunk: 0,
      transformers: true,
      qkvBias: root.boolean("qkv_bias", true),
    },
    transform,
  };
}
