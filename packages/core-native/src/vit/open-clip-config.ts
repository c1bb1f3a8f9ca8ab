import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import type { NativeClipConfig, NativeHead } from "../native/vision-model.js";
import { plainHead } from "./head.js";
import { JsonReader } from "./json-reader.js";
import { openClipTransform } from "./open-clip-transform.js";

/** Members of `vision_cfg` that change what a residual block computes in a way that is not built here. */
const unsupported = [
  "timm_model_name",
  "qk_norm",
  "scaled_cosine_attn",
  "scale_heads",
  "scale_attn_inner",
  "scale_attn",
  "scale_fc",
  "act_kwargs",
] as const;

/** open_clip's pooling. What is no `tok` or `avg` (CoCa's attention) gives no embedding here. */
function headOf(vision: JsonReader): NativeHead {
  const type = vision.raw("pool_type") ?? "tok";
  const pool = vision.boolean("attentional_pool", false) ? undefined : pools[String(type)];
  return { ...plainHead, pool: pool ?? "none" };
}

const pools: Readonly<Record<string, NativeHead["pool"]>> = { tok: "cls", avg: "mean" };

export interface OpenClipConfig {
  readonly model: NativeClipConfig;
  readonly transform: Transform;
}

/**
 * Reads the text of an `open_clip_config.json` whose vision tower is open_clip's own ViT.
 * @param what names the file in errors.
 * @throws SaevError `BAD_FILE` for what is no such config, `UNSUPPORTED` for towers of other kinds.
 */
export function parseOpenClipConfig(text: string, what: string): OpenClipConfig {
  const root = JsonReader.parse(text, what);
  const modelCfg = root.object("model_cfg");
  const vision = modelCfg.object("vision_cfg");
  if (Array.isArray(vision.raw("layers"))) {
    throw new SaevError("UNSUPPORTED", `${what}: the vision tower is a ResNet; only ViTs are run`);
  }
  for (const key of unsupported) {
    const value = vision.raw(key);
    if (value === undefined || value === null || value === false) continue;
    throw new SaevError(
      "UNSUPPORTED",
      `${what}: vision_cfg.${key} is set, which the clip family does not run`,
    );
  }
  const [height, width] = vision.pair("image_size", 224);
  const [patchHeight, patchWidth] = vision.pair("patch_size", 16);
  const dVit = vision.integer("width", 768);
  const scale = vision.raw("ls_init_value");
  return {
    model: {
      height,
      width,
      patchHeight,
      patchWidth,
      nLayers: vision.integer("layers", 12),
      dVit,
      heads: Math.floor(dVit / vision.integer("head_width", 64)),
      hidden: Math.trunc(dVit * vision.number("mlp_ratio", 4)),
      eps: vision.optional("norm_kwargs")?.number("eps", 1e-5) ?? 1e-5,
      gelu: modelCfg.boolean("quick_gelu", false) ? "quick" : "erf",
      head: headOf(vision),
      normAfterPool: vision.boolean("final_ln_after_pool", false),
      normBeforeBlocks: !vision.boolean("no_ln_pre", false),
      layerScale: scale !== undefined && scale !== null,
    },
    transform: openClipTransform(root, height, width),
  };
}
