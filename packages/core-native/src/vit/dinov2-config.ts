import { SaevError } from "../errors.js";
import type { Dinov2Model } from "../hub/dinov2-models.js";
import { dinov2PatchSize, dinov2PositionsSide } from "../hub/dinov2-models.js";
import type { NativeDinov2Config } from "../native/vision-model.js";
import { plainHead } from "./head.js";
import { JsonReader } from "./json-reader.js";
import { dinov2Transform } from "./usual-transforms.js";

/** Pixels of the picture that dinov2 models see. */
const { height: dinov2Side } = dinov2Transform;

/** Arguments of DinoVisionTransformer that are read. */
const known = [
  ...["img_size", "patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "init_values", "ffn_layer"],
  ...["block_chunks", "num_register_tokens", "interpolate_antialias", "interpolate_offset"],
];
/** Those that change nothing once a model is trained. */
const harmless = ["drop_path_rate", "drop_path_uniform"];
/** Those whose only value here is true. */
const always = ["qkv_bias", "ffn_bias", "proj_bias"];

/**
 * Reads the text of a `config.json` that holds the arguments of dinov2's constructor, as they are or under `kwargs`. What
 * is left out is as in dinov2's hubconf: patches of 14, positions for 518 pixels, LayerScale, offset 0.1.
 * @throws SaevError `BAD_FILE`, or `UNSUPPORTED` for arguments that are not built here.
 */
export function parseDinov2Config(text: string, what: string): NativeDinov2Config {
  const root = JsonReader.parse(text, what);
  const unsupported = (why: string) => new SaevError("UNSUPPORTED", `${what}: ${why}`);
  if (root.has("model_type")) {
    throw unsupported(
      `this is a config of Hugging Face transformers (${root.string("model_type")}); the dinov2 family reads those of ` +
        "model_type dinov2 and dinov2_with_registers, and dinov2's own",
    );
  }
  const args = root.optional("kwargs") ?? root;
  const others = Object.keys(args.value).filter((key) => ![...known, ...harmless, ...always].includes(key));
  const off = always.filter((key) => !args.boolean(key, true));
  if (others.length > 0) throw unsupported(`the dinov2 family does not know ${others.join(", ")}`);
  if (off.length > 0) throw unsupported(`the dinov2 family does not run models without ${off.join(", ")}`);
  const [patchHeight, patchWidth] = args.pair("patch_size", dinov2PatchSize);
  const imageSide = args.integer("img_size", dinov2PositionsSide);
  if (patchHeight !== patchWidth || dinov2Side % patchHeight !== 0) {
    throw unsupported(
      `patches of ${patchWidth} × ${patchHeight} pixels do not fill ${dinov2Side} × ${dinov2Side}`,
    );
  }
  const nLayers = args.integer("depth", Number.NaN);
  const dVit = args.integer("embed_dim", Number.NaN);
  const swiglu = args.choice("ffn_layer", ["mlp", "swiglu", "swiglufused"], "mlp") !== "mlp";
  const scale = args.raw("init_values");
  return dinov2Config({
    ...{ patchSide: patchHeight, imageSide, nLayers, dVit, swiglu },
    heads: args.integer("num_heads", Number.NaN),
    mlpRatio: args.number("mlp_ratio", 4),
    nRegisters: args.count("num_register_tokens", 0),
    layerScale: scale !== null && scale !== 0,
    antialias: args.boolean("interpolate_antialias", false),
    offset: args.number("interpolate_offset", 0.1),
    chunks: args.count("block_chunks", 0),
  });
}

/** What dinov2's hubconf passes for one of its pretrained models. */
export function dinov2HubConfig({ dVit, layers, heads, registers, swiglu }: Dinov2Model): NativeDinov2Config {
  return dinov2Config({
    ...{ patchSide: dinov2PatchSize, imageSide: dinov2PositionsSide, nLayers: layers, dVit, heads, swiglu },
    ...{ mlpRatio: 4, nRegisters: registers, layerScale: true, chunks: 0 },
    antialias: registers > 0,
    offset: registers > 0 ? 0 : 0.1,
  });
}

interface Arguments {
  readonly patchSide: number;
  readonly imageSide: number;
  readonly nLayers: number;
  readonly dVit: number;
  readonly heads: number;
  readonly mlpRatio: number;
  readonly nRegisters: number;
  readonly layerScale: boolean;
  readonly swiglu: boolean;
  readonly antialias: boolean;
  readonly offset: number;
  readonly chunks: number;
}

function dinov2Config({ patchSide, imageSide, mlpRatio, chunks, ...rest }: Arguments): NativeDinov2Config {
  const wide = Math.trunc(rest.dVit * mlpRatio);
  return {
    ...{ height: dinov2Side, width: dinov2Side, patchHeight: patchSide, patchWidth: patchSide },
    ...rest,
    hidden: dinov2Hidden(wide, rest.swiglu),
    eps: 1e-6,
    gelu: "erf",
    head: plainHead,
    positionsSide: Math.floor(imageSide / patchSide),
    transformers: false,
    qkvBias: true,
    layersPerChunk: chunks > 0 ? Math.max(1, Math.floor(rest.nLayers / chunks)) : 0,
  };
}

/** Width of the MLP. SwiGLU has three matrices instead of two: two thirds of the width, rounded up to a multiple of 8. */
export const dinov2Hidden = (wide: number, swiglu: boolean): number =>
  swiglu ? Math.floor((Math.trunc((wide * 2) / 3) + 7) / 8) * 8 : wide;
