import { SaevError } from "../errors.js";
import type { NativeTextConfig } from "../native/text-model.js";
import type { ModelConfig } from "../vit/family.js";
import { JsonReader } from "../vit/json-reader.js";
import { type Cleaning, cleanings } from "./clean.js";

/** What an `open_clip_config.json` says of a model's text tower. */
export interface TextConfig {
  readonly model: NativeTextConfig;
  /** Repository of a tokeniser of transformers; undefined for CLIP's own. */
  readonly tokenizer: string | undefined;
  readonly cleaning: Cleaning;
  /** Whether the token that separates texts becomes 0. */
  readonly stripSeparator: boolean;
}

/** Members of `text_cfg` that change what is computed in a way that is not built here. */
const unsupported = [
  "hf_model_name",
  "embed_cls",
  "tokenizer_mode",
  "use_pad_mask",
  "final_ln_after_pool",
  "qk_norm",
  "scaled_cosine_attn",
  "scale_heads",
  "scale_attn_inner",
  "scale_attn",
  "scale_fc",
] as const;

const pools = { first: "first", last: "last", argmax: "largest", eos: "end" } as const;

/**
 * Reads what an open_clip config says of the text tower.
 * @throws SaevError `NOT_FOUND` for a model without one, `UNSUPPORTED` for towers of other kinds (those of transformers,
 * CoCa's), `BAD_FILE`.
 */
export function parseTextConfig({ text, from }: ModelConfig): TextConfig {
  const root = JsonReader.parse(text, from);
  const model = root.optional("model_cfg");
  const tower = model?.optional("text_cfg");
  if (!model || !tower) {
    throw new SaevError(
      "NOT_FOUND",
      `${from}: this model has no text tower; texts need a CLIP or SigLIP with model_cfg.text_cfg`,
    );
  }
  for (const key of unsupported) {
    const value = tower.raw(key);
    if (value === undefined || value === null || value === false || value === "") continue;
    throw new SaevError("UNSUPPORTED", `${from}: text_cfg.${key} is set; this kind of text tower is not run`);
  }
  const kwargs = tower.optional("tokenizer_kwargs");
  const tokenizer = tower.has("hf_tokenizer_name") ? tower.string("hf_tokenizer_name") : undefined;
  const width = tower.integer("width", 512);
  const pool = tower.choice("pool_type", ["argmax", "last", "first", "eos"], "argmax");
  const scale = tower.raw("ls_init_value");
  const hidden = Math.trunc(width * tower.number("mlp_ratio", 4));
  if (!(Number.isSafeInteger(hidden) && hidden > 0)) {
    throw new SaevError("BAD_FILE", `${from}: text_cfg: an MLP of ${hidden} hidden numbers`);
  }
  const linear = tower.boolean("proj_bias", false) ? "linear" : "matrix";
  return {
    model: {
      context: tower.integer("context_length", 77),
      vocabulary: tower.integer("vocab_size", 49408),
      width,
      nLayers: tower.integer("layers", 12),
      heads: tower.integer("heads", 8),
      hidden,
      embedding: model.integer("embed_dim", 512),
      eps: tower.optional("norm_kwargs")?.number("eps", 1e-5) ?? 1e-5,
      gelu: geluOf(model, tower),
      causal: !tower.boolean("no_causal_mask", false),
      layerScale: scale !== undefined && scale !== null,
      pool: pools[pool],
      end: tower.count("eos_id", 2),
      projection: tower.choice("proj_type", ["linear", "none"], "linear") === "none" ? "none" : linear,
    },
    tokenizer,
    cleaning: kwargs?.choice("clean", cleanings, defaultCleaning(tokenizer)) ?? defaultCleaning(tokenizer),
    stripSeparator: kwargs?.boolean("strip_sep_token", false) ?? false,
  };
}

const defaultCleaning = (tokenizer: string | undefined): Cleaning =>
  tokenizer === undefined ? "lower" : "whitespace";

function geluOf(model: JsonReader, tower: JsonReader): NativeTextConfig["gelu"] {
  if (model.boolean("quick_gelu", false)) return "quick";
  const approximate = tower.optional("act_kwargs")?.choice("approximate", ["none", "tanh"], "none");
  return approximate === "tanh" ? "tanh" : "erf";
}
