import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeVisuals } from "../../make-visuals.js";
import { dSae, latentOf, nImages, nPatches, smallRun } from "../../testing/small-run.js";
import { Collection } from "../collection.js";
import { atQuantiles, shuffled } from "./examples.js";
import { exampleMaps, examplesPage } from "./examples-page.js";
import { labelStatistics } from "./labels.js";
import { monosemanticity } from "./monosemanticity.js";
import type { OpenView } from "./open-view.js";

test("quantiles take both ends, each entry once", () => {
  const list = Array.from({ length: 11 }, (_, i) => 10 - i);
  expect(atQuantiles(list, 3)).toEqual([
    { item: 10, quantile: 1 },
    { item: 5, quantile: 0.5 },
    { item: 0, quantile: 0 },
  ]);
  expect(atQuantiles([7], 3)).toEqual([{ item: 7, quantile: 1 }]);
  expect(atQuantiles([], 3)).toEqual([]);
  expect(atQuantiles([2, 1], 5).map(({ item }) => item)).toEqual([2, 1]);
});

test("a shuffle holds everything, the same each time, and depends on the latent", () => {
  const list = Array.from({ length: 50 }, (_, i) => i);
  expect([...shuffled(list, 3)].sort((a, b) => a - b)).toEqual(list);
  expect(shuffled(list, 3)).toEqual(shuffled(list, 3));
  expect(shuffled(list, 3)).not.toEqual(shuffled(list, 4));
});

test("monosemanticity is the weighted mean cosine of all pairs", () => {
  const embeddings = [
    [3, 0],
    [0, 2],
    [1, 1],
    [0, 0],
  ].map((e) => Float32Array.from(e));
  const weights = [1, 2, 0.5, 1];
  let [sum, total] = [0, 0];
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [embeddings[i]!, embeddings[j]!];
      const norms = Math.hypot(...a) * Math.hypot(...b);
      const weight = weights[i]! * weights[j]!;
      sum += norms > 0 ? (weight * (a[0]! * b[0]! + a[1]! * b[1]!)) / norms : 0;
      total += weight;
    }
  }
  expect(monosemanticity(embeddings, weights)).toBeCloseTo(sum / total, 12);
  expect(monosemanticity([embeddings[0]!], [1])).toBeUndefined();
  expect(monosemanticity([], [])).toBeUndefined();
});

test("labels: purity and entropy of what has one", () => {
  expect(labelStatistics(["a", "b", "a", "", "a"])).toEqual({
    labels: [
      { label: "a", count: 3 },
      { label: "b", count: 1 },
    ],
    purity: 0.75,
    entropy: expect.closeTo(0.8113, 4),
  });
  expect(labelStatistics(["", ""])).toEqual({ labels: [], purity: null, entropy: null });
});

describe("of a small run", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-examples-"));
  let collection: Collection;
  let view: OpenView;
  beforeAll(async () => {
    collection = await Collection.open([(await makeVisuals(await smallRun(folder))).root]);
    view = collection.views.get("v0")!;
  });
  afterAll(() => {
    collection.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  // Tokens of an image are CLS and then patches.
  const patchesOf = (image: number, latent: number) =>
    Array.from({ length: nPatches }, (_, p) => Math.fround(latentOf(image, p + 1, latent)));
  const fires = (image: number, latent: number) => patchesOf(image, latent).some((v) => v > 0);
  const images = Array.from({ length: nImages }, (_, i) => i);

  test("all images of a latent, strongest first, with their heat maps, and its silent ones", async () => {
    for (let latent = 0; latent < dSae; latent++) {
      const page = (await examplesPage(view, latent))!;
      const firing = images.filter((image) => fires(image, latent));
      expect([page.count, page.sampled]).toEqual([firing.length, firing.length]);
      expect(page.silent.map(({ image }) => image).filter((image) => fires(image, latent))).toEqual([]);
      expect(page.silent).toHaveLength(Math.min(6, nImages - firing.length));
      const scores = page.quantiles.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      const maps = exampleMaps(view, latent);
      [...page.quantiles, ...page.random].forEach(({ image, score, topPatch }, i) => {
        const values = patchesOf(image, latent);
        values.forEach((value, p) => {
          expect(maps[i * nPatches + p]).toBeCloseTo(value, 5);
        });
        expect(score).toBeCloseTo(Math.max(...values), 5);
        expect(topPatch).toBe(values.indexOf(Math.max(...values)));
      });
    }
  });

  test("companions fire in the same images", async () => {
    const { companions } = (await examplesPage(view, 0))!;
    for (const { latent, together, jaccard } of companions) {
      const both = images.filter((image) => fires(image, 0) && fires(image, latent)).length;
      const either = images.filter((image) => fires(image, 0) || fires(image, latent)).length;
      expect([together, jaccard]).toEqual([both, both / either]);
    }
    expect(companions.length).toBeGreaterThan(3);
  });

  test("embeddings come from the shards, and their absence is no error", async () => {
    expect((await examplesPage(view, 0))!.monosemanticity).toBeGreaterThan(-1);
    rmSync(path.join(folder, "shards"), { recursive: true });
    expect((await examplesPage(view, 0))!.monosemanticity).toBeNull();
  });
});
