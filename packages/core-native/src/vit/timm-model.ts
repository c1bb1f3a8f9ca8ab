import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";
import { timmTrunkFile } from "../hub/layouts.js";
import type { Transform } from "../images/transform.js";
import type { NativeHead, NativeModelSizes } from "../native/vision-model.js";
import type { ModelConfig } from "./family.js";
import { timmPool } from "./head.js";
import { JsonReader } from "./json-reader.js";
import { openClipTransform } from "./open-clip-transform.js";
import { timmTransform } from "./timm-transform.js";
import { timmVit } from "./timm-vits.js";

/** A vision transformer of timm: by itself (timm's config.json), or as the trunk of an open_clip model. */
export interface TimmModel {
  /** Its name in timm. */
  readonly name: string;
  /** The constructor's arguments: timm's own for the name, and those of the config over them. */
  readonly args: JsonReader;
  readonly height: number;
  readonly width: number;
  /** How it pools tokens. */
  readonly pool: NativeHead["pool"];
  readonly transform: Transform;
}

/** The name in timm of the model that a config is of, with its class; undefined for configs of others. */
export function timmName(config: JsonReader): { name: string; kind: "vit" | "eva" } | undefined {
  const vision =
    config.raw("model_cfg") === undefined ? undefined : config.optional("model_cfg")?.optional("vision_cfg");
  const name = config.raw("architecture") ?? vision?.raw("timm_model_name");
  const known = typeof name === "string" ? timmVit(name) : undefined;
  return known && { name: name as string, kind: known.kind };
}

/** @throws SaevError `UNSUPPORTED` for a name that timm's table does not hold; `BAD_FILE`. */
export function readTimmModel({ text, from }: ModelConfig): TimmModel {
  const root = JsonReader.parse(text, from);
  const found = timmName(root);
  if (!found)
    throw new SaevError("UNSUPPORTED", `${from}: this is no vision transformer of timm that saev knows`);
  const { name } = found;
  const pool = timmPool(root);
  if (root.has("architecture")) {
    const args = argumentsOf(name, root.optional("model_args"), from);
    const transform = timmTransform(root, args);
    const { height, width } = transform;
    return { name, args, height, width, pool, transform };
  }
  const beside = path.join(path.dirname(from), timmTrunkFile);
  const over = existsSync(beside)
    ? JsonReader.parse(readFileSync(beside, "utf8"), beside).object("model_args")
    : undefined;
  const args = argumentsOf(name, over, from);
  const [height, width] = root.object("model_cfg").object("vision_cfg").pair("image_size", 224);
  return { name, args, height, width, pool, transform: openClipTransform(root, height, width) };
}

function argumentsOf(name: string, over: JsonReader | undefined, from: string): JsonReader {
  const { kind: _, ...args } = timmVit(name)!;
  return JsonReader.parse(JSON.stringify({ ...args, ...over?.value }), `${from}: ${name}`);
}

/** Arguments that change nothing before the last block's output. */
const harmless = [
  ...[
    "img_size",
    "global_pool",
    "fc_norm",
    "use_fc_norm",
    "use_post_transformer_norm",
    "final_norm",
    "num_classes",
  ],
  ...["attn_pool_num_heads", "attn_pool_mlp_ratio", "pool_include_prefix", "dynamic_img_size", "weight_init"],
];

/** Arguments that {@link timmSizes} reads. */
const sized = ["patch_size", "embed_dim", "depth", "num_heads", "mlp_ratio", "norm_eps", "act_layer"];

const gelus: Readonly<Record<string, NativeModelSizes["gelu"]>> = {
  gelu: "erf",
  gelu_tanh: "tanh",
  quick_gelu: "quick",
};

/** @throws SaevError `UNSUPPORTED` when there are arguments that neither `read` nor this file knows. */
export function checkTimmArguments({ args }: TimmModel, family: string, read: readonly string[]): void {
  const known = [...harmless, ...sized, ...read];
  const others = Object.keys(args.value).filter((key) => !known.includes(key));
  if (others.length === 0) return;
  throw new SaevError(
    "UNSUPPORTED",
    `${args.what}: the ${family} family does not run models with ${others.join(", ")}`,
  );
}

/** What the constructors of all of them call the same. */
export function timmSizes({ args, height, width, pool }: TimmModel): NativeModelSizes {
  const [patchHeight, patchWidth] = args.pair("patch_size", 16);
  const dVit = args.integer("embed_dim", 768);
  const act = args.has("act_layer") ? args.string("act_layer") : "gelu";
  const gelu = Object.hasOwn(gelus, act) ? gelus[act] : undefined;
  if (!gelu && !/silu$/i.test(act))
    throw new SaevError("UNSUPPORTED", `${args.what}: the activation ${act} is not run`);
  const heads = args.integer("num_heads", 12);
  const whole = args.boolean("pool_include_prefix", false);
  const poolHeads = args.integer("attn_pool_num_heads", heads);
  return {
    ...{ height, width, patchHeight, patchWidth, dVit, heads },
    nLayers: args.integer("depth", 12),
    hidden: Math.trunc(dVit * args.number("mlp_ratio", 4)),
    eps: args.number("norm_eps", 1e-6),
    gelu: gelu ?? "erf",
    head: { pool, wholeMean: whole, wholeAttention: whole, heads: poolHeads, gelu: gelu ?? "erf" },
  };
}
