import { SaevError } from "../errors.js";
import type { ResolveOptions } from "../hub/resolve.js";
import type { ResolvedModel } from "../hub/resolved-model.js";
import { findTokenizer } from "../hub/tokenizer-files.js";
import { clipTokenizerJson, clipVocabularySize } from "./clip-bpe.js";
import type { TextConfig } from "./text-config.js";
import { TextTokenizer } from "./text-tokenizer.js";

/**
 * The tokeniser that a model was trained with, as open_clip chooses it: the one that its config names, in the model's folder
 * or a repository; else CLIP's own.
 * @throws SaevError as {@link findTokenizer}; `BAD_FILE`; `UNSUPPORTED` for a vocabulary of another size without a tokeniser.
 */
export async function openTokenizer(
  model: ResolvedModel,
  config: TextConfig,
  options: ResolveOptions = {},
): Promise<TextTokenizer> {
  const { context, vocabulary } = config.model;
  const { tokenizer, cleaning, stripSeparator } = config;
  if (tokenizer === undefined) {
    if (vocabulary === clipVocabularySize) {
      return new TextTokenizer(clipTokenizerJson(), {}, { context, cleaning, pad: 0 }, "CLIP's tokeniser");
    }
    throw new SaevError(
      "UNSUPPORTED",
      `${model.config?.from ?? model.folder}: a vocabulary of ${vocabulary} words needs text_cfg.hf_tokenizer_name; ` +
        `CLIP's own tokeniser has ${clipVocabularySize}`,
    );
  }
  const files = await findTokenizer(model.folder, tokenizer, options);
  const numberOf = (key: string): number | undefined => tokenNumber(files.json, files.config, key);
  const pad = numberOf("pad_token");
  if (pad === undefined) {
    throw new SaevError("BAD_FILE", `${files.from}: expected a pad_token in tokenizer_config.json beside it`);
  }
  const separator = stripSeparator ? numberOf("sep_token") : undefined;
  const padLeft = (files.config as { padding_side?: unknown }).padding_side === "left";
  const all = { context, cleaning, pad, padLeft, dropped: separator };
  return new TextTokenizer(files.json, files.config, all, files.from);
}

/** The number of a token that the config names: text, or an object with `content`. */
function tokenNumber(json: object, config: object, key: string): number | undefined {
  const named = (config as Record<string, unknown>)[key];
  const content = typeof named === "string" ? named : (named as { content?: unknown } | undefined)?.content;
  if (typeof content !== "string") return undefined;
  const { added_tokens: added, model } = json as {
    added_tokens?: readonly { id: number; content: string }[];
    model?: { vocab?: Readonly<Record<string, number>> | readonly (readonly [string, number])[] };
  };
  const special = added?.find((token) => token.content === content)?.id;
  if (special !== undefined) return special;
  const vocab = model?.vocab;
  if (Array.isArray(vocab)) {
    const at = vocab.findIndex((entry) => entry[0] === content);
    return at < 0 ? undefined : at;
  }
  return (vocab as Readonly<Record<string, number>> | undefined)?.[content];
}
