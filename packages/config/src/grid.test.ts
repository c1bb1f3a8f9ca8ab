import { describe, expect, test } from "vitest";
import { grid, parseTrain, splitCfgs, splitPasses } from "./index.js";

const base = parseTrain({ seed: 7, sae: { seed: 3 } });
const messages = (sweep: Record<string, unknown>): string[] => grid(base, sweep).errs.map((e) => e.message);

describe("grid", () => {
  test("works without sae, objective or data tables", () => {
    const { cfgs, errs } = grid(base, { lr: [1e-3, 1e-4] });
    expect(errs).toEqual([]);
    expect(cfgs.map((c) => [c.lr, c.seed, c.sae])).toEqual([
      [1e-3, 7, base.sae],
      [1e-4, 8, base.sae],
    ]);
    expect(Object.isFrozen(cfgs[0]) && Object.isFrozen(cfgs[0]!.sae)).toBe(true);
  });

  test("moves sae.seed only where the sweep sets something in sae", () => {
    const seeds = (sweep: Record<string, unknown>) =>
      grid(base, sweep).cfgs.map((c) => c.sae.kind === "relu" && c.sae.seed);
    expect(seeds({ sae: { exp_factor: [8, 16, 16] } })).toEqual([10, 11, 12]);
    expect(seeds({ sae: {}, lr: [1, 2] })).toEqual([3, 3]);
    // One choice in sae shared by three combinations: 7+7, +8, +9, as the Python package sums.
    expect(seeds({ sae: { seed: 7 }, lr: [1, 2, 3] })).toEqual([14, 22, 31]);
  });

  test("a swept seed is used as given", () => {
    expect(grid(base, { seed: [1, 2] }).cfgs.map((c) => c.seed)).toEqual([1, 2]);
  });

  test("kind changes the class and starts from its defaults", () => {
    const matryoshka = { kind: "matryoshka", n_prefixes: 10, sparsity_coeff: 4e-4, prefix_draw: "published" };
    const { cfgs, errs } = grid(base, { objective: { kind: ["vanilla", "matryoshka"] } });
    expect(errs).toEqual([]);
    expect(cfgs.map((c) => c.objective)).toEqual([base.objective, { ...matryoshka, group_sizes: [] }]);
    const sizes = grid(base, { objective: { kind: "matryoshka", group_sizes: [[8, 24], [32]] } });
    expect(sizes.cfgs.map((c) => c.objective)).toEqual([
      { ...matryoshka, group_sizes: [8, 24] },
      { ...matryoshka, group_sizes: [32] },
    ]);
    expect(
      grid(base, { sae: [{ kind: "jump-relu" }, { exp_factor: 2 }] }).cfgs.map((c) => c.sae.kind),
    ).toEqual(["jump-relu", "relu"]);
  });

  test("reports every mistake once, with path and nearest name, and keeps counting configs", () => {
    const sweep = {
      lr: ["fast", 1e-3],
      n_patchs: [1, 2],
      sae: { d_vit: "wide", exp_facto: 3 },
      objective: { n_prefixes: [5] },
      data: { layer: ["al", -1] },
    };
    expect(messages(sweep)).toEqual([
      'data.layer: expected an integer or "all" or "meanpool", found "al"; did you mean "all"?',
      'sae.d_vit: expected an integer >= 1 or "auto", found "wide"',
      'sae.exp_facto: Relu has no field "exp_facto"; did you mean exp_factor?',
      'objective.n_prefixes: Vanilla has no field "n_prefixes"; it belongs to Matryoshka (kind = "matryoshka")',
      'lr: expected a number >= 0, found "fast"',
      'n_patchs: Train has no field "n_patchs"; did you mean n_patches?',
    ]);
    expect(grid(base, { lr: ["fast", 1e-3] }).cfgs.map((c) => c.seed)).toEqual([8]);
  });

  test("leaves base and sweep alone, and refuses what is no table", () => {
    const sweep = { sae: { seed: 7, exp_factor: [2, 4] }, lr: [1, 2] };
    const before = structuredClone(sweep);
    grid(base, sweep);
    expect(sweep).toEqual(before);
    expect(() => grid(base, [] as never)).toThrow(/expected a table of fields of Train, found \[\]/);
    expect(grid(base, JSON.parse('{"__proto__": {"lr": 1}}')).errs).toHaveLength(1);
    expect(messages({ sae: [3, null] })).toEqual([
      "sae: expected a table of fields of Relu or JumpRelu or TopK or BatchTopK or Gated, found 3",
      "sae: expected a table of fields of Relu or JumpRelu or TopK or BatchTopK or Gated, found null",
    ]);
  });
});

test("a sweep of absurd size is refused before it fills the memory", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  const sweep = { lr: hundred, seed: hundred, n_lr_warmup: hundred, sae: { exp_factor: hundred } };
  const message =
    "the sweep asks for 100000000 configs, more than 100000: shorten its lists or lower n_samples";
  expect(messages(sweep)).toEqual([message]);
  expect(messages({ lr: { uniform: [0, 1] }, search: { n_samples: 1e8 } })).toEqual([message]);
});

describe("splitCfgs", () => {
  test("groups in order of first appearance by what cannot differ", () => {
    const cfgs = grid(base, {
      sae: { exp_factor: [8, 16], normalize_w_dec: [true, false] },
      lr: [1, 2],
    }).cfgs;
    const groups = splitCfgs(cfgs);
    expect(groups.map((g) => g.map((c) => cfgs.indexOf(c)))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });

  test("infinities are told from nothing", () => {
    const cfgs = [parseTrain({ data: { clamp: Infinity } }), parseTrain({}), parseTrain({ lr: 1 })];
    expect(splitCfgs(cfgs).map((g) => g.map((c) => cfgs.indexOf(c)))).toEqual([[0], [1, 2]]);
  });
});

describe("splitPasses", () => {
  test("sizes, kinds, objectives, places and tags share a pass; other data and other batches do not", () => {
    const cfgs = [
      {},
      { sae: { exp_factor: 8 } },
      { sae: { d_sae: 100 }, objective: { kind: "matryoshka" }, lr: 1, seed: 9 },
      {
        sae: { kind: "top-k" },
        optimizer: "muon",
        n_lr_warmup: 3,
        ckpt_path: "elsewhere",
        tag: "a",
        log_every: 7,
      },
      { sae_batch_size: 7 },
      { data: { layer: -1 } },
      { n_patches: 5 },
      { sae: { kind: "gated" }, sae_batch_size: 7 },
    ].map((document) => parseTrain(document));
    expect(splitPasses(cfgs).map((g) => g.map((c) => cfgs.indexOf(c)))).toEqual([
      [0, 1, 2, 3],
      [4, 7],
      [5],
      [6],
    ]);
  });
});
