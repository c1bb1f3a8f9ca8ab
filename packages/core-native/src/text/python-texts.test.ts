import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TensorFile, TextEncoder } from "../index.js";
import { clipTokenizerJson } from "./clip-bpe.js";
import { hasPythonTexts, makePythonTexts, type PythonTexts } from "./testing/python-texts.js";
import { TextTokenizer } from "./text-tokenizer.js";

// Tiny models gain nothing from threads, and lose much where other processes take the cores.
process.env.OMP_NUM_THREADS = "1";

/** Of unit vectors, against float64: three blocks of float32 sums over at most 100 terms. */
const tolerance = 2e-6;

const texts = [
  "a photo of a cat",
  "It's the dog's ball, isn't it? They'll say I've 100% won, we're sure I'd",
  "Crème brûlée à la façon de Noël, smörgåsbord",
  "Cre\u0300me (decomposed), ﬁne ﬂowers, Ǆ, ﬅone",
  "🐈‍⬛ emoji 👩🏽‍🚀🎉 mixed🙂in",
  "",
  "   \t\n  ",
  "a very long text that goes on and on about nothing in particular until the context is full ".repeat(4),
  "curly ‘single’ and “double” quotes, a – dash, an … ellipsis",
  "ＦＵＬＬｗｉｄｔｈ　letters ﾊﾝｶｸ",
  "snake_case_name and CamelCase, #hash @at $5.00",
  "&lt;b&gt;bold&lt;/b&gt; &amp;amp; caf&eacute; &#39;x&#39; &nbsp;y",
  "<p>tags &amp; entities</p>",
  "line one\r\nline two\u2028line three\u0085four",
  "日本語のテキスト und Ελληνικά και кириллица العربية हिन्दी",
  "control\u0007 chars \u200bzero\u200dwidth\ufeff \u001b[31mred\u001b[0m",
  "<start_of_text>special<end_of_text> words <|endoftext|> </s> [SEP] <pad>",
  "ΟΔΟΣ İstanbul STRASSE ẞ ß",
  "1234567890 3.14 ½ ² Ⅳ ①",
  "don''t 'S 'LL ''''s",
  "supercalifragilisticexpialidocious antidisestablishmentarianism pneumonoultramicroscopic",
  "a",
];

/** Cases whose tokeniser is BERT's. */
const withBert = new Set(["clipa", "first"]);

describe.skipIf(!hasPythonTexts)("texts, as open_clip takes them", () => {
  let made: PythonTexts;
  beforeAll(() => {
    made = makePythonTexts(texts);
  }, 300_000);
  afterAll(() => {
    if (made) rmSync(path.dirname(made.folder), { recursive: true, force: true });
  });

  it("become the same numbers by CLIP's own tokeniser, whole", () => {
    const options = { context: 10_000, cleaning: "lower", pad: 0 } as const;
    const tokenizer = new TextTokenizer(clipTokenizerJson(), {}, options, "CLIP's");
    for (const [i, text] of texts.entries()) {
      const ours = tokenizer.tokens(text);
      const words = made.words[i]!;
      expect(ours.slice(0, words.length + 2), JSON.stringify(text)).toEqual([49406, ...words, 49407]);
    }
  });

  it("become the same numbers in every kind of tokeniser, cut and filled up", async () => {
    for (const [name, { context }] of Object.entries(made.cases)) {
      using encoder = await TextEncoder.load(path.join(made.folder, name));
      using reference = await TensorFile.open(path.join(made.folder, name, "reference.safetensors"));
      using theirs = reference.get("tokens");
      expect(encoder.context, name).toBe(context);
      using ours = encoder.tokenizer.encode(texts);
      const [a, b] = [ours, theirs].map((t) => Array.from(t.toTypedArray() as BigInt64Array, Number));
      for (const [i, text] of texts.entries()) {
        // BERT's normaliser lowers Σ to σ everywhere, the library to ς at the end of a word.
        if (withBert.has(name) && text.includes("Σ")) continue;
        const of = (all: number[]) => all.slice(i * context, (i + 1) * context);
        expect.soft(of(a!), `${name}: ${JSON.stringify(text)}`).toEqual(of(b!));
      }
    }
  });

  it("become the same unit vectors, in float64", async () => {
    for (const name of Object.keys(made.cases)) {
      using encoder = await TextEncoder.load(path.join(made.folder, name));
      using reference = await TensorFile.open(path.join(made.folder, name, "reference.safetensors"));
      using theirs = reference.get("embedding");
      using ours = await encoder.encode(texts);
      expect(ours.shape, name).toEqual(theirs.shape);
      expect(encoder.dEmbedding).toBe(ours.shape[1]);
      const [a, b] = [ours.toFloat32Array(), theirs.toTypedArray() as Float64Array];
      let worst = 0;
      for (let i = 0; i < b.length; i++) {
        if (withBert.has(name) && texts[Math.floor((i * texts.length) / b.length)]!.includes("Σ")) continue;
        const off = Math.abs(a[i]! - b[i]!);
        if (!(off <= worst)) worst = off; // so that NaN stays
      }
      expect(worst, name).toBeLessThan(tolerance);
    }
  });

  it("do not depend on what they are encoded with, but for the order of sums", async () => {
    using encoder = await TextEncoder.load(path.join(made.folder, "clip"));
    using all = await encoder.encode(texts);
    const together = all.toFloat32Array();
    for (const [i, text] of texts.entries()) {
      using one = await encoder.encode([text]);
      const alone = one.toFloat32Array();
      for (let k = 0; k < alone.length; k++) {
        expect(Math.abs(alone[k]! - together[i * alone.length + k]!)).toBeLessThan(tolerance);
      }
    }
  });

  it("need the tokeniser that the config names", async () => {
    const folder = path.join(made.folder, "siglip");
    const file = path.join(folder, "tokenizer.json");
    rmSync(file);
    await expect(TextEncoder.load(folder, { offline: true })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("neither in"),
    });
    writeFileSync(file, "{");
    await expect(TextEncoder.load(folder, { offline: true })).rejects.toMatchObject({ code: "BAD_FILE" });
    writeFileSync(file, "{}");
    await expect(TextEncoder.load(folder, { offline: true })).rejects.toMatchObject({ code: "BAD_FILE" });
  });
});
