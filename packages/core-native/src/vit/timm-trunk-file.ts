import { SaevError } from "../errors.js";
import type { NativeModelSizes } from "../native/vision-model.js";
import { JsonReader } from "./json-reader.js";
import { type TimmTrunk, timmEps } from "./timm-siglip.js";

/** Arguments of timm's VisionTransformer that are read, and those that change nothing before the last block's output. */
const known = ["patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "act_layer", "class_token"];
const harmless = ["img_size", "global_pool", "fc_norm", "num_classes"];

const gelus: Readonly<Record<string, NativeModelSizes["gelu"]>> = {
  gelu: "erf",
  gelu_tanh: "tanh",
  quick_gelu: "quick",
};

/**
 * Reads the text of a `timm_trunk.json`: `model_args`, as timm's VisionTransformer takes them.
 * @throws SaevError `BAD_FILE`, or `UNSUPPORTED` for arguments that are not built here.
 */
export function parseTimmTrunk(text: string, what: string): TimmTrunk {
  const args = JsonReader.parse(text, what).object("model_args");
  const others = Object.keys(args.value).filter((key) => !known.includes(key) && !harmless.includes(key));
  if (others.length > 0 || args.boolean("class_token", true)) {
    const wrong = others.length > 0 ? others.join(", ") : "class_token";
    throw new SaevError("UNSUPPORTED", `${what}: the siglip family does not run a trunk with ${wrong}`);
  }
  const [patchHeight, patchWidth] = args.pair("patch_size", 16);
  const dVit = args.integer("embed_dim", 768);
  return {
    patchHeight,
    patchWidth,
    nLayers: args.integer("depth", 12),
    dVit,
    heads: args.integer("num_heads", 12),
    hidden: Math.trunc(dVit * args.number("mlp_ratio", 4)),
    eps: timmEps,
    gelu: gelus[args.choice("act_layer", Object.keys(gelus), "gelu")]!,
  };
}
