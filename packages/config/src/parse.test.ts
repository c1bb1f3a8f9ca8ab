import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  Activations,
  Ade20kDataset,
  ConfigError,
  checkConfig,
  DataLoad,
  Dataset,
  dSae,
  ImageFolderDataset,
  ImagenetDataset,
  JumpRelu,
  Matryoshka,
  Objective,
  parseActivations,
  parseTrain,
  parseVisuals,
  Relu,
  Sae,
  Train,
  toDocument,
  Vanilla,
  Visuals,
} from "./index.js";

const messages = (schema: typeof Train | typeof Visuals | typeof Activations, value: unknown): string[] =>
  checkConfig<unknown>(schema as never, value).issues.map((i) => i.message);

describe("defaults are those of the Python package", () => {
  test("Activations", () => {
    expect(toDocument(parseActivations({}))).toEqual({
      data: { name: "ILSVRC/imagenet-1k", split: "train" },
      dump_to: "./shards",
      vit_family: "clip",
      vit_ckpt: "ViT-L-14/openai",
      vit_batch_size: 1024,
      n_workers: 8,
      d_vit: 1024,
      vit_layers: [-2],
      n_patches_per_img: 256,
      cls_token: true,
      n_patches_per_shard: 2_400_000,
      seed: 42,
      ssl: true,
      device: "cuda",
      n_hours: 24,
      slurm_acct: "",
      slurm_partition: "",
      log_to: "./logs",
    });
  });

  test("Train", () => {
    expect(toDocument(parseTrain({}))).toEqual({
      data: {
        shard_root: "./shards",
        patches: "patches",
        layer: -2,
        clamp: 1e5,
        n_random_samples: 524_288,
        scale_mean: true,
        scale_norm: true,
      },
      n_workers: 32,
      n_patches: 100_000_000,
      sae: {
        d_vit: 1024,
        exp_factor: 16,
        n_reinit_samples: 524_288,
        remove_parallel_grads: true,
        normalize_w_dec: true,
        seed: 0,
      },
      objective: { sparsity_coeff: 4e-4 },
      n_sparsity_warmup: 0,
      lr: 4e-4,
      n_lr_warmup: 500,
      sae_batch_size: 16_384,
      track: true,
      wandb_project: "saev",
      tag: "",
      log_every: 25,
      ckpt_path: "./checkpoints",
      device: "cuda",
      seed: 42,
      slurm_acct: "",
      slurm_partition: "",
      n_hours: 24,
      log_to: "./logs",
    });
  });

  test("Visuals", () => {
    expect(toDocument(parseVisuals({}))).toEqual({
      ckpt: "./checkpoints/sae.pt",
      data: toDocument(DataLoad.parse({})),
      images: { name: "ILSVRC/imagenet-1k", split: "train" },
      top_k: 128,
      n_workers: 16,
      topk_batch_size: 16_384,
      sae_batch_size: 16_384,
      epsilon: 1e-9,
      sort_by: "patch",
      device: "cuda",
      dump_to: "./data",
      log_freq_range: [-6, -2],
      log_value_range: [-1, 1],
      include_latents: [],
      n_distributions: 25,
      percentile: 99,
      n_latents: 400,
      seed: 42,
    });
  });

  test("members of unions", () => {
    expect(ImageFolderDataset.parse({})).toEqual({ kind: "image-folder-dataset", root: "./data/split" });
    expect(Ade20kDataset.parse({})).toEqual({
      kind: "ade20k-dataset",
      root: "./data/ade20k",
      split: "training",
    });
    expect(ImagenetDataset.parse({}).kind).toBe("imagenet-dataset");
    expect(JumpRelu.parse({})).toMatchObject({ kind: "jump-relu", threshold: 0.03, tied: true });
    expect(Matryoshka.parse({})).toEqual({
      kind: "matryoshka",
      n_prefixes: 10,
      sparsity_coeff: 4e-4,
      prefix_draw: "published",
      group_sizes: [],
    });
    expect(Vanilla.parse({})).toEqual({ kind: "vanilla", sparsity_coeff: 4e-4 });
  });
});

describe("a missing kind is inferred from the keys", () => {
  test.each([
    [Dataset, {}, "imagenet-dataset"],
    [Dataset, { name: "x" }, "imagenet-dataset"],
    [Dataset, { root: "x" }, "image-folder-dataset"],
    [Dataset, { root: "x", split: "validation" }, "ade20k-dataset"],
    [Dataset, { kind: "ade20k-dataset", root: "x" }, "ade20k-dataset"],
    [Sae, {}, "relu"],
    [Sae, { kind: "jump-relu" }, "jump-relu"],
    [Objective, { n_prefixes: 3 }, "matryoshka"],
    [Sae, { top_k: 3 }, "top-k"],
    [Sae, { d_sae: 9, tied: true, reinit_blend: 0.8 }, "relu"],
    [Sae, { bandwidth: 1 }, "jump-relu"],
    [Sae, { top_k: 3, momentum: 0.2 }, "batch-top-k"],
    [Objective, { sparsity_coeff: 0 }, "vanilla"],
  ])("%#", (schema, value, kind) => {
    expect((schema as typeof Dataset).parse(value).kind).toBe(kind);
  });

  test("and a document reads back as the config it was made from", () => {
    const cfg = parseTrain({
      objective: { n_prefixes: 4 },
      data: { layer: "all", scale_mean: "mean.pt" },
      sae: { d_vit: 768 },
    });
    expect(parseTrain(toDocument(cfg))).toEqual(cfg);
  });
});

test("results are deeply frozen, and the input is left alone", () => {
  const input = { sae: { exp_factor: 4 }, data: {} };
  const cfg = parseTrain(input);
  expect(input).toEqual({ sae: { exp_factor: 4 }, data: {} });
  const visuals = parseVisuals({ include_latents: [3], log_freq_range: [-5, -1] });
  const frozen = (value: object): void => {
    expect(Object.isFrozen(value)).toBe(true);
    for (const inner of Object.values(value)) if (typeof inner === "object") frozen(inner);
  };
  for (const value of [cfg, visuals, parseActivations({}), parseActivations({ vit_layers: [1] })])
    frozen(value);
  expect(() => {
    (cfg.sae as { seed: number }).seed = 1;
  }).toThrow(TypeError);
});

test("numbers: integers where a float is asked, large integers, open ranges", () => {
  expect(parseTrain({ lr: 1 }).lr).toBe(1);
  expect(parseTrain({ n_patches: 2 ** 40 }).n_patches).toBe(2 ** 40);
  expect(parseTrain({ data: { clamp: Infinity } }).data.clamp).toBe(Infinity);
  expect(parseVisuals({ log_freq_range: [-Infinity, 0] }).log_freq_range).toEqual([-Infinity, 0]);
  expect(messages(Train, { n_patches: 2 ** 53 })).toHaveLength(1);
  expect(messages(Train, { lr: Number.NaN })).toEqual(["lr: expected a number >= 0, found NaN"]);
  expect(messages(Train, { lr: Infinity })).toHaveLength(1);
  expect(messages(Train, { data: { clamp: Number.NaN } })).toHaveLength(1);
});

describe("mistakes are all reported, each with path, expected, found and the nearest name", () => {
  test("of every sort at once", () => {
    const value = {
      sae: { exp_facto: 2, d_vit: "x" },
      lr: "fast",
      "log-every": 1,
      objective: { kind: "vanila" },
      data: { layer: "al", scale_mean: 3, clamp: -1 },
      device: "gpu",
      n_hours: 0,
    };
    expect(messages(Train, value)).toEqual([
      'data.layer: expected an integer or "all" or "meanpool", found "al"; did you mean "all"?',
      "data.clamp: expected a number > 0, found -1",
      "data.scale_mean: expected true, false or the path of a file, found 3",
      'sae.d_vit: expected an integer >= 1 or "auto", found "x"',
      'sae.exp_facto: Relu has no field "exp_facto"; did you mean exp_factor?',
      'objective.kind: expected "vanilla" or "matryoshka", found "vanila"; did you mean "vanilla"?',
      'lr: expected a number >= 0, found "fast"',
      'device: expected "cuda" or "cpu", found "gpu"; did you mean "cpu"?',
      "n_hours: expected a number > 0, found 0",
      'log-every: Train has no field "log-every"; did you mean log_every?',
    ]);
  });

  test.each([
    [Train, 3, "expected a table of fields of Train, found 3"],
    [Train, null, "expected a table of fields of Train, found null"],
    [Train, [], "expected a table of fields of Train, found []"],
    [
      Train,
      { sae: 3 },
      "sae: expected a table of fields of Relu or JumpRelu or TopK or BatchTopK or Gated, found 3",
    ],
    [Train, { data: null }, "data: expected a table of fields of TrainData, found null"],
    [Train, { exp_factor: 8 }, 'exp_factor: Train has no field "exp_factor"; did you mean sae.exp_factor?'],
    [
      Train,
      { objective: { kind: "vanilla", n_prefixes: 3 } },
      'objective.n_prefixes: Vanilla has no field "n_prefixes"; it belongs to Matryoshka (kind = "matryoshka")',
    ],
    [
      Train,
      { sae: { kind: "jump-relu", top_k: 3 } },
      'sae.top_k: JumpRelu has no field "top_k"; it belongs to TopK (kind = "top-k")',
    ],
    [
      Visuals,
      { log_freq_range: [-2, -6] },
      "log_freq_range: expected two numbers, the lower one first, found [-2,-6]",
    ],
    [Visuals, { log_freq_range: [-6, "a"] }, 'log_freq_range.1: expected a number, found "a"'],
    [
      Visuals,
      { log_freq_range: [-6] },
      "log_freq_range: expected two numbers, the lower one first, found [-6]",
    ],
    [Visuals, { include_latents: [1, -2] }, "include_latents.1: expected an integer >= 0, found -2"],
    [
      Visuals,
      { images: { root: "x", split: "no" } },
      'images.split: expected "training" or "validation", found "no"',
    ],
    [Activations, { vit_layers: [0.5] }, "vit_layers.0: expected an integer, found 0.5"],
    [
      Activations,
      { vit_family: "siglp" },
      'vit_family: expected "clip", "siglip", "dinov2", "dinov3", "vit", "eva" or "pe", found "siglp"; did you mean "siglip"?',
    ],
  ])("%#", (schema, value, message) => {
    expect(messages(schema, value)).toEqual([message]);
  });

  test("keys that JavaScript treats specially are unknown fields", () => {
    for (const text of ['{"__proto__":{"lr":1}}', '{"constructor":1}', '{"sae":{"__proto__":{"d_vit":3}}}']) {
      expect(messages(Train, JSON.parse(text))).toHaveLength(1);
    }
  });

  test("as one ConfigError of one line, which says where", () => {
    const wrong = () => parseTrain({ lr: -1, seed: "x\ny" }, { where: "a.toml" });
    expect(wrong).toThrow(ConfigError);
    expect(wrong).toThrow(
      /^a\.toml: lr: expected a number >= 0, found -1; seed: expected an integer, found "x\\ny"$/,
    );
  });
});

test("the schemas are zod's: they compose and describe themselves", () => {
  const both = z.object({ train: Train, sae: Sae });
  expect(both.parse({ train: {}, sae: { d_vit: 3 } }).train.lr).toBe(4e-4);
  expect(Train).toBeInstanceOf(z.ZodType);
  expect(Train.safeParse({ lr: "x" }).success).toBe(false);
});

test("dSae", () => {
  expect(dSae(Relu.parse({ d_vit: 768, exp_factor: 8 }))).toBe(6144);
  expect(dSae(JumpRelu.parse({ d_vit: 768, d_sae: 1000 }))).toBe(1000);
  expect(dSae(Relu.parse({ d_sae: 1000 }))).toBe(1000);
  expect(() => dSae(Relu.parse({}))).toThrow(ConfigError);
  expect(() => dSae(Relu.parse({ d_vit: 10, exp_factor: 8, d_sae: 100 }))).toThrow(/give one of the two/);
});
