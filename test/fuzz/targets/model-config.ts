import { SaevError } from "../../../packages/core-native/src/errors.js";
import { parseTextConfig } from "../../../packages/core-native/src/text/text-config.js";
import { families } from "../../../packages/core-native/src/vit/families.js";
import type { ModelDescription, ModelFamily } from "../../../packages/core-native/src/vit/family.js";
import { JsonReader } from "../../../packages/core-native/src/vit/json-reader.js";
import { check, type FuzzTarget } from "../target.js";

/** A config of another family than the one asked for is a wrong question, not a wrong file. */
function describe(family: ModelFamily, text: string): ModelDescription {
  try {
    return family.describe({ text, from: "the config" });
  } catch (error) {
    if (
      error instanceof SaevError &&
      error.code === "INVALID_ARGUMENT" &&
      error.message.includes("use vit_family")
    )
      throw new SaevError("UNSUPPORTED", error.message);
    throw error;
  }
}

export const modelConfig: FuzzTarget = {
  name: "model-config",
  files: [
    "text/text-config.ts",
    "vit/clip.ts",
    "vit/config-of-weights.ts",
    "vit/description.ts",
    "vit/dinov2.ts",
    "vit/dinov2-config.ts",
    "vit/dinov2-transformers.ts",
    "vit/dinov3.ts",
    "vit/eva.ts",
    "vit/image-processor.ts",
    "vit/json-reader.ts",
    "vit/open-clip-config.ts",
    "vit/open-clip-transform.ts",
    "vit/perception-encoder.ts",
    "vit/siglip.ts",
    "vit/timm-model.ts",
    "vit/timm-siglip.ts",
    "vit/timm-transform.ts",
    "vit/timm-trunk-file.ts",
    "vit/timm-vits.ts",
    "vit/transformers-config.ts",
    "vit/vit-family.ts",
  ],
  maxBytes: 4096,
  words: [
    '"model_cfg":{',
    '"vision_cfg":{',
    '"text_cfg":{',
    '"tokenizer_kwargs":{"clean":"lower"',
    '"pool_type":"last"',
    '"hf_tokenizer_name":"a/b"',
    '"preprocess_cfg":{',
    '"embed_dim":',
    '"image_size":',
    '"patch_size":',
    '"layers":',
    '"width":',
    '"head_width":',
    '"timm_model_name":"vit_base_patch16_siglip_224"',
    '"mean":[',
    '"interpolation":"bicubic"',
    '"architecture":"vit_small"',
    '"architecture":"vit_base_patch16_224"',
    '"model_type":"dinov3_vit"',
    '"model_type":"vit"',
    '"pretrained_cfg":{',
    '"input_size":[3,',
    '"crop_pct":',
    '"num_register_tokens":',
    '"hidden_size":',
    '"num_attention_heads":',
    "0",
    "-1",
    "1e308",
    "1e-308",
    "null",
    "[]",
    "{}",
    '""',
    "9007199254740991",
  ],
  batch: 256,
  run(bytes) {
    const text = Buffer.from(bytes).toString("utf8");
    const config = JsonReader.parse(text, "the config");
    for (const family of families) {
      if (!family.recognises(config)) continue;
      const { nLayers, dVit, nPatches, transform } = describe(family, text);
      for (const size of [nLayers, dVit, nPatches, transform.width, transform.height])
        check(Number.isSafeInteger(size) && size > 0, `a size of ${size}`);
    }
    if (config.optional("model_cfg")?.has("text_cfg")) {
      const { model } = parseTextConfig({ text, from: "the config" });
      for (const size of [model.context, model.vocabulary, model.width, model.hidden, model.embedding])
        check(Number.isSafeInteger(size) && size > 0, `a size of ${size}`);
    }
  },
};
