import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HubServer } from "../hub/testing/hub-server.js";
import { findTokenizer } from "../hub/tokenizer-files.js";
import { TextEncoder, ViT } from "../index.js";
import { writeTinyClip } from "../vit/testing/tiny-clip.js";
import { cleanText } from "./clean.js";
import { clipTokenizerJson } from "./clip-bpe.js";
import { parseTextConfig } from "./text-config.js";

const data = path.resolve(import.meta.dirname, "../../../../examples/data");
const demo = path.join(data, "models/clip-demo");

describe("the demo's text tower", () => {
  it("names what its own pictures show", async () => {
    const pictures = [
      ["animals/mammals_cats_lion.jpg", "lion"],
      ["food/vegetables_broccoli.jpg", "broccoli"],
      ["food/pizza.jpg", "pizza"],
      ["hobbies/music_string_violin.jpg", "violin"],
      ["animals/mammals_giraffe.jpg", "giraffe"],
      ["animals/birds_penguin.jpg", "penguin"],
    ] as const;
    const names = pictures.map(([, name]) => name);
    using encoder = await TextEncoder.load(demo);
    using texts = await encoder.encode(names);
    using vit = await ViT.load("clip", demo);
    using input = await vit.preprocess(pictures.map(([file]) => path.join(data, "pictures", file)));
    using outputs = await vit.forward(input);
    expect(encoder.dEmbedding).toBe(vit.dEmbedding);
    const [t, v] = [texts.toFloat32Array(), outputs.embedding!.toFloat32Array()];
    const d = vit.dEmbedding;
    const named = names.map((_, i) => {
      const scores = names.map((_, j) => {
        let dot = 0;
        for (let k = 0; k < d; k++) dot += v[i * d + k]! * t[j * d + k]!;
        return dot;
      });
      return names[scores.indexOf(Math.max(...scores))];
    });
    const right = named.filter((name, i) => name === names[i]).length;
    expect(right, named.join(", ")).toBeGreaterThanOrEqual(5);
  });
});

describe("whether texts can be read", () => {
  it("is told from config, tokeniser and names of tensors", async () => {
    expect(await TextEncoder.whyNot(demo)).toBeUndefined();
    expect(await TextEncoder.whyNot("./nothing")).toMatch(/there is no such file or folder/);
    const folder = mkdtempSync(path.join(tmpdir(), "saev-no-text-"));
    await writeTinyClip(folder);
    expect(await TextEncoder.whyNot(folder)).toMatch(/the weights have no text tower/);
    rmSync(folder, { recursive: true });
  });
});

describe("a text", () => {
  it("is cleaned as open_clip does", () => {
    expect(cleanText("  It’s\u00a0 “Fine” ", "lower")).toBe('it\'s "fine"');
    expect(cleanText("A_b-C, d!  é", "canonicalize")).toBe("a bc d é");
    expect(cleanText("A  &amp;amp; B\u0007", "whitespace")).toBe("A & B");
    expect(cleanText("\ud800x", "whitespace")).toBe("\ufffdx");
  });
});

describe("a config of a text tower", () => {
  const of = (model: object) =>
    parseTextConfig({
      text: JSON.stringify({ model_cfg: { embed_dim: 8, vision_cfg: {}, ...model } }),
      from: "c",
    });

  it("is refused for towers that are not run, and for models without one", () => {
    expect(() => of({})).toThrow(/no text tower/);
    expect(() => of({ text_cfg: { hf_model_name: "roberta-base" } })).toThrow(
      /text_cfg.hf_model_name is set/,
    );
    expect(() => of({ text_cfg: { embed_cls: true } })).toThrow(/text_cfg.embed_cls is set/);
    expect(() => of({ text_cfg: { mlp_ratio: 1e-9 } })).toThrow(/an MLP of 0 hidden numbers/);
    expect(() => of({ text_cfg: { pool_type: "none" } })).toThrow(/pool_type: expected/);
    expect(() => of({ text_cfg: { tokenizer_kwargs: { clean: "wash" } } })).toThrow(/clean: expected/);
  });

  it("has open_clip's defaults", () => {
    expect(of({ text_cfg: {} })).toMatchObject({
      model: {
        context: 77,
        vocabulary: 49408,
        width: 512,
        heads: 8,
        nLayers: 12,
        pool: "largest",
        causal: true,
      },
      ...{ tokenizer: undefined, cleaning: "lower", stripSeparator: false },
    });
  });
});

describe("a tokeniser's files", () => {
  const root = mkdtempSync(path.join(tmpdir(), "saev-tokenizer-"));
  const json = JSON.stringify(clipTokenizerJson());
  let hub: HubServer;
  beforeEach(async () => {
    for (const name of Object.keys(process.env)) {
      if (/^(HF_|HUGGING|https?_proxy|no_proxy)/i.test(name)) vi.stubEnv(name, undefined);
    }
    const files = {
      "tokenizer.json": Buffer.from(json),
      "tokenizer_config.json": Buffer.from('{"pad_token":"x"}'),
    };
    hub = await HubServer.start({ "org/words": { commit: "4".repeat(40), files } });
    vi.stubEnv("HF_HOME", mkdtempSync(path.join(root, "cache-")));
    vi.stubEnv("HF_ENDPOINT", hub.url);
  });
  afterEach(async () => {
    await hub.stop();
    vi.unstubAllEnvs();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("come from a repository once, and then from the cache", async () => {
    await expect(findTokenizer(root, "org/words", { offline: true })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    const found = await findTokenizer(root, "org/words");
    expect(found.config).toEqual({ pad_token: "x" });
    expect(readFileSync(found.from, "utf8")).toBe(json);
    hub.seen.length = 0;
    expect((await findTokenizer(root, "org/words", { offline: true })).from).toBe(found.from);
    expect(hub.seen).toEqual([]);
  });

  it("come from the model's own folder first", async () => {
    const folder = mkdtempSync(path.join(root, "model-"));
    writeFileSync(path.join(folder, "tokenizer.json"), json);
    expect((await findTokenizer(folder, "org/words")).config).toEqual({});
    expect(hub.seen).toEqual([]);
  });

  it("name no path out of the cache", async () => {
    await expect(findTokenizer(root, "../../etc", { offline: true })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
