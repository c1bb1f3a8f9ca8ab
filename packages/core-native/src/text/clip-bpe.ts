import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Words of CLIP's own vocabulary, with the two that begin and end a text. */
export const clipVocabularySize = 49408;

/**
 * CLIP's tokeniser, which open_clip has built in and no checkpoint brings along, in the form of a `tokenizer.json`: from the
 * merges in `data/clip-bpe` (MIT, © 2021 OpenAI). The vocabulary follows from them: the 256 bytes, the bytes that end a word,
 * what each merge makes, begin and end.
 */
export function clipTokenizerJson(): object {
  const packed = readFileSync(new URL("../../data/clip-bpe/merges.txt.gz", import.meta.url));
  const merges = gunzipSync(packed).toString("utf8").trimEnd().split("\n");
  const bytes = byteLetters();
  const pieces = [
    ...bytes,
    ...bytes.map((letter) => `${letter}</w>`),
    ...merges.map((merge) => merge.replace(" ", "")),
  ];
  const vocab = Object.fromEntries([...pieces, ...specials].map((piece, i) => [piece, i]));
  const [begin, end] = specials.map((content) => ({ SpecialToken: { id: content, type_id: 0 } }));
  const text = { Sequence: { id: "A", type_id: 0 } };
  return {
    version: "1.0",
    added_tokens: specials.map((content) => ({
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: words }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: "TemplateProcessing",
      single: [begin, text, end],
      pair: [begin, text, end],
      special_tokens: Object.fromEntries(specials.map((id) => [id, { id, ids: [vocab[id]], tokens: [id] }])),
    },
    decoder: null,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab,
      merges,
    },
  };
}

const specials = ["<start_of_text>", "<end_of_text>"] as const;

/** What is tokenised by itself: English clitics, letters, single digits, runs of anything else that is no space. */
const words = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** A visible letter for each byte, in the order of the vocabulary: bytes that are visible in Latin-1 first, as they are. */
function byteLetters(): string[] {
  const visible = [range(0x21, 0x7e), range(0xa1, 0xac), range(0xae, 0xff)].flat();
  const others = range(0, 255).filter((byte) => !visible.includes(byte));
  return [...visible, ...others.map((_, i) => 256 + i)].map((code) => String.fromCharCode(code));
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
