import { Tokenizer } from "@huggingface/tokenizers";
import { SaevError } from "../errors.js";
import { Tensor } from "../tensor.js";
import { type Cleaning, cleanText } from "./clean.js";

/** What of a tokeniser is not in its `tokenizer.json`. */
export interface TokenizerOptions {
  /** Tokens of a text, padding included. */
  readonly context: number;
  readonly cleaning: Cleaning;
  /** The token that fills up short texts. */
  readonly pad: number;
  /** Whether padding comes before the text. Default: after it. */
  readonly padLeft?: boolean;
  /** A token that becomes 0: CLIPA's models were trained without BERT's [SEP]. */
  readonly dropped?: number | undefined;
}

/** From texts to the numbers that a text tower takes. The vocabulary and its rules are the library's work. */
export class TextTokenizer {
  readonly #library: Tokenizer;
  readonly #before: readonly number[];
  readonly #after: readonly number[];

  /**
   * @param json a parsed `tokenizer.json`.
   * @param config a parsed `tokenizer_config.json`.
   * @throws SaevError `BAD_FILE` when they describe no tokeniser that the library knows, or one whose begin and end take the
   * whole context.
   */
  constructor(
    json: object,
    config: object,
    readonly options: TokenizerOptions,
    /** Names the files in messages. */
    readonly from: string,
  ) {
    try {
      this.#library = new Tokenizer(json, config);
      const bare = this.#ids("a", false);
      const whole = this.#ids("a", true);
      const at = whole.findIndex((_, i) => bare.every((id, k) => whole[i + k] === id));
      if (bare.length === 0 || at < 0) throw new Error("a text is not found again among its tokens");
      this.#before = whole.slice(0, at);
      this.#after = whole.slice(at + bare.length);
    } catch (error) {
      throw new SaevError("BAD_FILE", `${from}: ${(error as Error).message}`, { cause: error });
    }
    if (this.#before.length + this.#after.length >= options.context) {
      throw new SaevError(
        "BAD_FILE",
        `${from}: begin and end of a text fill its context of ${options.context}`,
      );
    }
  }

  /**
   * The tokens of a text: begin, the text cut to what fits, end, padding.
   * @returns as many numbers as the context has.
   */
  tokens(text: string): number[] {
    const { context, cleaning, pad, padLeft, dropped } = this.options;
    const room = context - this.#before.length - this.#after.length;
    const inner = this.#ids(cleanText(text, cleaning), false).slice(0, room);
    const all = [...this.#before, ...inner, ...this.#after].map((id) => (id === dropped ? 0 : id));
    const padding = new Array<number>(context - all.length).fill(pad);
    return padLeft ? [...padding, ...all] : [...all, ...padding];
  }

  /** @returns int64 [texts, context]. @throws SaevError `INVALID_ARGUMENT` for no texts and for what is no text. */
  encode(texts: readonly string[]): Tensor {
    if (!Array.isArray(texts) || texts.length === 0) {
      throw new SaevError("INVALID_ARGUMENT", "texts: expected a list of at least one");
    }
    const { context } = this.options;
    const all = new BigInt64Array(texts.length * context);
    for (const [row, text] of texts.entries()) {
      if (typeof text !== "string") {
        throw new SaevError("INVALID_ARGUMENT", `texts[${row}]: expected text, found ${typeof text}`);
      }
      for (const [i, id] of this.tokens(text).entries()) all[row * context + i] = BigInt(id);
    }
    return Tensor.from(all, [texts.length, context]);
  }

  #ids(text: string, specials: boolean): number[] {
    return text === "" && !specials ? [] : this.#library.encode(text, { add_special_tokens: specials }).ids;
  }
}
