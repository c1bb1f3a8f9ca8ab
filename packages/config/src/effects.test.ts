import { describe, expect, test } from "vitest";
import {
  Activations,
  Ade20kDataset,
  BatchTopK,
  DataLoad,
  Evaluate,
  fieldEffects,
  Gated,
  GlobDataset,
  ImageFolderDataset,
  ImagenetDataset,
  Inference,
  JumpRelu,
  ListDataset,
  Matryoshka,
  notices,
  parseActivations,
  parseTrain,
  parseVisuals,
  Relu,
  refusals,
  TopK,
  Train,
  TrainData,
  ValData,
  Vanilla,
  Visuals,
  WebdatasetDataset,
} from "./index.js";
import { specsOf } from "./schema.js";

const schemas: readonly object[] = [
  Activations,
  DataLoad,
  TrainData,
  ValData,
  Train,
  Relu,
  JumpRelu,
  TopK,
  BatchTopK,
  Gated,
  Vanilla,
  Matryoshka,
  Visuals,
  Inference,
  Evaluate,
  ImagenetDataset,
  ImageFolderDataset,
  Ade20kDataset,
  WebdatasetDataset,
  ListDataset,
  GlobDataset,
];

test("the table holds every field of every class and nothing else", () => {
  const fields = schemas.flatMap((schema) => {
    const [of] = specsOf(schema);
    return Object.keys(of!.fields).map((name) => `${of!.name}.${name}`);
  });
  expect(Object.keys(fieldEffects).sort()).toEqual(fields.sort());
});

test("every entry says what happens, and a refusal says when", () => {
  for (const [name, { effect, refusal, refuses }] of Object.entries(fieldEffects)) {
    expect(effect ?? refusal, name).toBeTruthy();
    expect(refuses === undefined, name).toBe(refusal === undefined);
  }
});

describe("what is not built refuses in one line that names the field", () => {
  const folder = { data: { root: "images" } };
  test.each([
    [Activations, parseActivations({}), []],
    [Activations, parseActivations({ data: { root: "x", split: "training" } }), []],
    [Activations, parseActivations({ ...folder, vit_family: "siglip", cls_token: false }), []],
    [Activations, parseActivations({ ...folder, vit_family: "dinov2" }), []],
    [Activations, parseActivations({ ...folder, vit_layers: [] }), ["vit_layers"]],
    [Activations, parseActivations({ ...folder, ssl: false }), []],
    [
      Activations,
      parseActivations({ ...folder, slurm_acct: "a", slurm_partition: "p", n_hours: 2, log_to: "x" }),
      ["n_hours", "slurm_acct", "slurm_partition", "log_to"],
    ],
    [Activations, parseActivations(folder), []],
    [Train, parseTrain({}), []],
    [Train, parseTrain({ sae: { kind: "jump-relu" } }), []],
    [Train, parseTrain({ weight_decay: 0.1 }), ["weight_decay"]],
    [Train, parseTrain({ weight_decay: 0.1, optimizer: "adamw" }), []],
    [Train, parseTrain({ eval_every: 10, n_val: 10, val_seed: 1 }), ["val_seed", "n_val", "eval_every"]],
    [Train, parseTrain({ eval_every: 10, n_val: 10, val_seed: 1, val_fraction: 0.1 }), []],
    [Train, parseTrain({ eval_every: 10, val_data: { shard_root: "others" } }), []],
    [Train, parseTrain({ val_fraction: 0.1, val_data: { shard_root: "others" } }), ["val_fraction"]],
    [Train, parseTrain({ objective: { n_prefixes: 3 } }), []],
    [Train, parseTrain({ sae: { kind: "top-k" } }), []],
    [
      Train,
      parseTrain({ slurm_acct: "a", slurm_partition: "p", n_hours: 2, log_to: "x" }),
      ["slurm_acct", "slurm_partition", "n_hours", "log_to"],
    ],
    [Visuals, parseVisuals({}), []],
    [Inference, Inference.parse({}), []],
    [Evaluate, Evaluate.parse({}), []],
    [Visuals, parseVisuals({ images: { root: "images" } }), []],
  ])("%#", (schema, cfg, paths) => {
    const issues = refusals(schema as typeof Train, cfg);
    expect(issues.map((i) => i.path)).toEqual(paths);
    for (const { path, message } of issues)
      expect(message).toMatch(new RegExp(`^${path} = .* is not supported: .+$`));
  });
});

test("track says once where metrics go", () => {
  expect(notices(Train, parseTrain({ ckpt_path: "runs" }))).toEqual([
    "track: metrics are kept in runs/<run>/metrics.jsonl; nothing is sent to W&B",
  ]);
  expect(notices(Train, parseTrain({ track: false }))).toEqual([]);
  expect(notices(Visuals, parseVisuals({}))).toEqual([]);
});

test("a top-k SAE says once that it has no L1 penalty, if somebody asked for one", () => {
  const said = (objective: object) =>
    notices(Train, parseTrain({ track: false, sae: { kind: "batch-top-k" }, objective }));
  expect(said({})).toEqual([]);
  expect(said({ sparsity_coeff: 1e-3 })).toEqual([
    "objective.sparsity_coeff: a batch-top-k SAE has no L1 penalty, its sparsity is top_k",
  ]);
  expect(said({ kind: "matryoshka", sparsity_coeff: 0 })).toEqual([]);
});
