import { expect, test } from "vitest";
import {
  documentText,
  dSae,
  isResolved,
  parseActivations,
  parseTrain,
  parseVisuals,
  Train,
  toDocument,
  Visuals,
} from "./index.js";

test("a document has no kind, at any depth, and is no part of the config", () => {
  const cfg = parseActivations({ data: { root: "x" }, vit_layers: [1, 2] });
  const document = toDocument(cfg);
  expect(document.data).toEqual({ root: "x" });
  (document.vit_layers as number[]).push(3);
  expect(cfg.vit_layers).toEqual([1, 2]);
  expect(toDocument(parseTrain({ sae: { kind: "top-k" } })).sae).not.toHaveProperty("kind");
});

test("kinds of the Python package's have no kind, ours have, and what it lacks is left out at its default", () => {
  for (const kind of ["relu", "jump-relu", "top-k", "batch-top-k", "gated"]) {
    const cfg = parseTrain({ sae: { kind, d_vit: 8, d_sae: 100 }, optimizer: "adamw", grad_clip: 1 });
    const document = toDocument(cfg);
    expect(document.sae).toMatchObject({ d_sae: 100 });
    expect(document).toMatchObject({ optimizer: "adamw", grad_clip: 1 });
    expect(document).not.toHaveProperty("lr_schedule");
    expect(document.sae).not.toHaveProperty("reinit_blend");
    expect("kind" in (document.sae as object)).toBe(kind === "jump-relu" || kind === "gated");
    if (kind !== "relu") expect(parseTrain(document)).toEqual(cfg);
  }
});

test("its text writes floats as floats and integers as integers", () => {
  const train = documentText(
    Train,
    parseTrain({ lr: 1, objective: { sparsity_coeff: 2 }, data: { clamp: 7 } }),
  );
  expect(train).toContain('        "clamp": 7.0,\n');
  expect(train).toContain('    "lr": 1.0,\n');
  expect(train).toContain('        "sparsity_coeff": 2.0\n');
  expect(train).toContain('    "n_hours": 24.0,\n');
  expect(train).toContain('        "layer": -2,\n');
  expect(train).toContain('        "seed": 0\n');
  const visuals = documentText(Visuals, parseVisuals({ include_latents: [3] }), { indent: 1 });
  expect(visuals).toContain(' "log_freq_range": [\n  -6.0,\n  -2.0\n ],\n');
  expect(visuals).toContain(' "include_latents": [\n  3\n ],\n');
  expect(visuals).toContain(' "epsilon": 1e-09,\n');
  expect(parseTrain(JSON.parse(train))).toEqual(
    parseTrain({ lr: 1, objective: { sparsity_coeff: 2 }, data: { clamp: 7 }, sae: { d_vit: 1024 } }),
  );
});

test("sizes that are auto are the Python package's defaults there, and words nowhere else", () => {
  const open = { d_vit: "auto", n_patches_per_img: "auto", cls_token: "auto" };
  expect(parseActivations({})).toMatchObject(open);
  expect(parseActivations({ ...open, vit_ckpt: "auto" })).toEqual(parseActivations({ vit_ckpt: "auto" }));
  expect(toDocument(parseActivations({ ...open, vit_ckpt: "auto" }))).toMatchObject({
    ...{ d_vit: 1024, n_patches_per_img: 256, cls_token: true, vit_ckpt: "auto" },
  });
  expect(toDocument(parseActivations({ d_vit: 8, cls_token: false }))).toMatchObject({
    ...{ d_vit: 8, n_patches_per_img: 256, cls_token: false },
  });
  expect(() => parseActivations({ d_vit: "model", cls_token: 1 })).toThrow(
    'd_vit: expected an integer >= 1 or "auto", found "model"; cls_token: expected true, false or "auto", found 1',
  );
  expect(isResolved(parseActivations({ d_vit: 8, n_patches_per_img: 4 }))).toBe(false);
  expect(isResolved(parseActivations({ d_vit: 8, n_patches_per_img: 4, cls_token: true }))).toBe(true);
  expect(() => dSae(parseTrain({}).sae)).toThrow(/^sae\.d_vit: expected an integer, found "auto"/);
});
