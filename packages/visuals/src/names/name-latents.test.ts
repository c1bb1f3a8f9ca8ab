import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { TextEncoder } from "@saev/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OpenView } from "../explorer/views/open-view.js";
import { makeVisuals } from "../make-visuals.js";
import { namedRun, namedWords, rightName } from "../testing/named-run.js";
import { nameLatents } from "./name-latents.js";
import { namesFile, namesVectorsFile, readNames, readNamesVectors } from "./names-file.js";
import { combine } from "./score-words.js";
import { makeUnit } from "./unit.js";
import { readVocabulary } from "./vocabulary.js";
import { placeText, WordSpace } from "./word-space.js";

process.env.OMP_NUM_THREADS = "1";

const vocabulary = { words: namedWords, file: undefined };

describe("names of latents", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-names-"));
  let view: OpenView;
  beforeAll(async () => {
    const { root } = await makeVisuals(await namedRun(folder));
    view = await OpenView.open(root, "v0", "named");
  }, 120_000);
  afterAll(() => {
    view?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  const living = () =>
    [...view.tables.frequency.keys()].filter((latent) => view.tables.frequency[latent]! > 0);

  it("are the words that the directions were built of", async () => {
    const { latents, about } = await nameLatents(view, vocabulary, { by: "decoder" });
    expect(living().length).toBeGreaterThan(3);
    expect([...latents.keys()]).toEqual(living());
    for (const [latent, words] of latents) {
      expect(words.map(({ word }) => word).length).toBe(5);
      const [best, second] = words;
      expect(best!.word, `latent ${latent}`).toBe(rightName(latent));
      expect(best!.score).toBeGreaterThan(second!.score);
      // The embedding ends at the word's vector; what it has in common with the mean picture's is no part of the cosine.
      expect(best!.decoder).toBeGreaterThan(0.8);
      expect(best!.pictures).not.toBeNull();
    }
    expect(about).toMatchObject({ vit_family: "clip", layer: 1, reads: "cls", vocabulary: { words: 30 } });
  });

  it("are written, and texts score with what is written as the words did", async () => {
    const { latents } = await nameLatents(view, vocabulary, { words: 30 });
    const names = readNames(view.tables.folder, view.tables.dSae)!;
    expect(Object.keys(names.latents).map(Number)).toEqual([...latents.keys()]);
    const {
      width,
      vectors,
      offsets,
      centre,
      latents: rows,
    } = await readNamesVectors(view.tables.folder, view.tables.dSae);
    using encoder = await TextEncoder.load(names.about.vit_ckpt);
    using encoded = await encoder.encode(["guitar"]);
    const text = placeText(encoded.toFloat32Array(), centre);
    for (const [i, latent] of rows.entries()) {
      const product = text.reduce((sum, v, k) => sum + v * vectors[i * width + k]!, 0);
      const written = latents.get(latent)!.find(({ word }) => word === "guitar")!;
      // Both are float32 sums over 32 terms of size 1.
      expect(product - offsets[i]!).toBeCloseTo(written.score, 4);
    }
  });

  it("stand out of the vocabulary: of all words the scores have mean 0, and of one direction deviation 1", async () => {
    const { latents } = await nameLatents(view, vocabulary, { words: 30, latents: living().slice(0, 2) });
    for (const words of latents.values()) {
      const mean = words.reduce((sum, { score }) => sum + score, 0) / words.length;
      expect(mean).toBeCloseTo(0, 4);
    }
  });

  it("are asked of latents that are there, with a template that has a place for the word", async () => {
    await expect(nameLatents(view, vocabulary, { latents: [99] })).rejects.toThrow(
      /latents: expected 0 to 7, found 99/,
    );
    await expect(nameLatents(view, vocabulary, { template: "a photo" })).rejects.toThrow(
      /template: expected/,
    );
    await expect(
      nameLatents(view, vocabulary, { signal: AbortSignal.abort(new Error("enough")) }),
    ).rejects.toThrow("enough");
  });

  it("are refused where the files were changed", async () => {
    const file = path.join(view.tables.folder, namesFile);
    const text = readFileSync(file, "utf8");
    const { dSae } = view.tables;
    for (const bad of [
      "{",
      "null",
      "[]",
      text.replace("saev-names-1", "x"),
      text.replace('"latents":{"', '"latents":{"9'),
    ]) {
      writeFileSync(file, bad);
      expect(() => readNames(view.tables.folder, dSae)).toThrow(/make it again with saev names/);
    }
    writeFileSync(file, text.replace(/"made":"\w+"/, '"made":"other"'));
    await expect(readNamesVectors(view.tables.folder, dSae)).rejects.toThrow(/not made together/);
    writeFileSync(file, text);
    writeFileSync(path.join(view.tables.folder, namesVectorsFile), "no tensors");
    await expect(readNamesVectors(view.tables.folder, dSae)).rejects.toMatchObject({ code: "BAD_FILE" });
    rmSync(file);
    expect(readNames(view.tables.folder, dSae)).toBeUndefined();
    await expect(readNamesVectors(view.tables.folder, dSae)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a word space", () => {
  const width = 3;
  const words = new WordSpace(
    makeUnit(Float32Array.of(1, 0, 0.1, 0, 1, 0.2, 0, 0, 1, 1, 1, 1), width),
    width,
  );

  it("spreads a direction's cosines as the rows do", () => {
    const u = makeUnit(Float32Array.of(0.3, -0.5, 0.8), width);
    const cosines = [0, 1, 2, 3].map((w) => u.reduce((sum, v, k) => sum + v * words.rows[w * width + k]!, 0));
    const mean = cosines.reduce((a, b) => a + b) / 4;
    const sd = Math.sqrt(cosines.reduce((sum, c) => sum + (c - mean) ** 2, 0) / 4);
    const spread = words.spread(u);
    expect(spread.mean).toBeCloseTo(mean, 6);
    expect(spread.sd).toBeCloseTo(sd, 6);
  });

  it("has nothing to say of a latent without directions", () => {
    expect(combine({ decoder: undefined, pictures: undefined }, words)).toBeUndefined();
  });
});

describe("a vocabulary", () => {
  it("comes along, with a few thousand words that are each there once", async () => {
    const { words, file } = await readVocabulary();
    expect(words.length).toBeGreaterThan(3000);
    expect(file).toBeUndefined();
    for (const word of ["cat", "guitar", "pizza", "red", "striped"]) expect(words).toContain(word);
  });

  it("is read from a file, without comments and repetitions", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "saev-vocabulary-"));
    const file = path.join(folder, "words.txt");
    writeFileSync(file, "# birds\nhouse sparrow\r\n\n  robin  \nrobin\nwren\n");
    expect((await readVocabulary(file)).words).toEqual(["house sparrow", "robin", "wren"]);
    writeFileSync(file, "one\n");
    await expect(readVocabulary(file)).rejects.toMatchObject({ code: "BAD_FILE" });
    await expect(readVocabulary(path.join(folder, "none"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    rmSync(folder, { recursive: true });
  });
});
