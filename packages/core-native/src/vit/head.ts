import type { NativeHead, NativeModelSizes } from "../native/vision-model.js";
import type { JsonReader } from "./json-reader.js";

/** The CLS token after the final norm: what most families call the embedding of a picture. */
export const plainHead: NativeHead = {
  ...{ pool: "cls", wholeMean: false, wholeAttention: false },
  ...{ heads: 1, gelu: "erf" },
};

/** timm's `global_pool`. Others ("max", "avgmax", "prr", no pooling) give no embedding here. */
const timmPools: Readonly<Record<string, NativeHead["pool"]>> = {
  token: "cls",
  avg: "mean",
  map: "attention",
};

/**
 * The pooling of a timm model: by its config, as a model of its own (`global_pool`) or as open_clip's trunk (`timm_pool`, where
 * an empty one leaves the trunk its own); where the config is silent, by the tensors at hand.
 */
export function timmPool(config: JsonReader): NativeHead["pool"] {
  const vision = config.optional("model_cfg")?.optional("vision_cfg");
  const name = vision ? vision.raw("timm_pool") || undefined : config.raw("global_pool");
  if (name === undefined || name === null) return "auto";
  return timmPools[String(name)] ?? "none";
}

/** timm's Eva pools by attention over all tokens, with the exact GELU; its means are of patches. */
export const evaHead = ({ head }: Pick<NativeModelSizes, "head">): NativeHead => ({
  ...head,
  ...{ wholeAttention: true, gelu: "erf" },
});
