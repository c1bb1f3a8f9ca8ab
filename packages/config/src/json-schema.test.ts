import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import {
  Activations,
  checkConfig,
  Evaluate,
  EvaluationReport,
  evaluationReportSchema,
  grid,
  Inference,
  jsonSchema,
  parseConfigText,
  parseTrain,
  sweepJsonSchema,
  Train,
  Visuals,
} from "./index.js";
import { built } from "./testing/built.js";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const validators = {
  Activations: ajv.compile(jsonSchema(Activations)),
  Train: ajv.compile(jsonSchema(Train)),
  Visuals: ajv.compile(jsonSchema(Visuals)),
  Inference: ajv.compile(jsonSchema(Inference)),
  Evaluate: ajv.compile(jsonSchema(Evaluate)),
};
const schemas = { Activations, Train, Visuals, Inference, Evaluate };

const good: [keyof typeof schemas, string][] = [
  ["Train", ""],
  [
    "Train",
    'lr = 1\nn_patches = 2_400_000\n[data]\nlayer = "all"\nscale_mean = "mean.pt"\n[sae]\nexp_factor = 8',
  ],
  ["Train", '[sae]\nkind = "batch-top-k"\ntop_k = 4\nmomentum = 0.2'],
  ["Train", '[sae]\nkind = "jump-relu"\n[objective]\nn_prefixes = 4'],
  ["Activations", 'vit_layers = [-2, -1]\n[data]\nroot = "images"'],
  ["Activations", '[data]\nroot = "ade"\nsplit = "validation"'],
  [
    "Visuals",
    'sort_by = "img"\nlog_freq_range = [-5, -1.5]\ninclude_latents = [0, 7]\nimages = { root = "images" }',
  ],
];

good.push(
  ["Inference", 'formats = "npz"\ndump_to = "out"\n[data]\nlayer = "all"'],
  ["Evaluate", "prefixes = [8, 64]\nprobes = false\nn_images = 0"],
);

const bad: [keyof typeof schemas, string][] = [
  ["Train", "exp_factor = 8"],
  ["Train", 'lr = "fast"'],
  ["Train", "lr = -1"],
  ["Train", "n_patches = 1.5"],
  ["Train", 'device = "tpu"'],
  ["Train", '[data]\nlayer = "last"'],
  ["Train", "[data]\nclamp = 0"],
  ["Train", '[sae]\nkind = "tanh"'],
  ["Train", '[objective]\nkind = "vanilla"\nn_prefixes = 3'],
  ["Activations", "vit_layers = [0.5]"],
  ["Activations", 'vit_layers = "all"'],
  ["Activations", '[data]\nroot = "x"\nsplit = "test"'],
  ["Visuals", "log_freq_range = [1]"],
  ["Visuals", "include_latents = [-1]"],
  ["Inference", 'formats = "csv"'],
  ["Evaluate", "prefixes = [0]"],
  ["Visuals", "percentile = 101"],
];

describe("an editor and the parser agree", () => {
  test.each(good)("on the good %s %#", (name, text) => {
    const value = parseConfigText(text, "toml");
    expect(checkConfig<unknown>(schemas[name] as never, value).issues).toEqual([]);
    expect(validators[name](value), JSON.stringify(validators[name].errors)).toBe(true);
  });

  test.each(bad)("on the bad %s %#", (name, text) => {
    const value = parseConfigText(text, "toml");
    expect(checkConfig<unknown>(schemas[name] as never, value).issues).not.toEqual([]);
    expect(validators[name](value)).toBe(false);
  });

  const sweep = ajv.compile(sweepJsonSchema());
  test.each([
    "lr = [1e-3, 1e-4]\n[sae]\nexp_factor = [8, 16]",
    'lr = { log_uniform = [1e-5, 1e-2] }\ntag = "x"\n[search]\nn_samples = 3\n[sae]\nexp_factor = { int_uniform = [1, 9] }',
    '[objective]\nkind = ["vanilla", "matryoshka"]',
    "sae = [{ exp_factor = 8 }, { exp_factor = 16 }]",
    '[search]\nn_samples = 2\nseed = 4\n[data]\nlayer = { choice = [-2, "all"] }\n[objective]\nsparsity_coeff = { normal = [3e-4, 1e-5] }',
  ])("on the good sweep %#", (text) => {
    const value = parseConfigText(text, "toml");
    expect(grid(parseTrain({}), value).errs).toEqual([]);
    expect(sweep(value), JSON.stringify(sweep.errors)).toBe(true);
  });

  test.each([
    'lr = ["fast"]',
    "n_patchs = [1]",
    "lr = { log_uniform = [1] }\n[search]\nn_samples = 3",
    "[sae]\nexp_factor = { uniform = [1, 2] }\n[search]\nn_samples = 3",
    "lr = { uniform = [1, 2] }\n[search]\nn_samples = 0",
    "tag = { normal = [0, 1] }\n[search]\nn_samples = 3",
    '[objective]\nkind = ["vanilla", "adversarial"]',
    "sae = [{ exp_facto = 8 }]",
  ])("on the bad sweep %#", (text) => {
    const value = parseConfigText(text, "toml");
    expect(grid(parseTrain({}), value).errs).not.toEqual([]);
    expect(sweep(value)).toBe(false);
  });
});

test("every field carries its description and its default", () => {
  const { properties } = jsonSchema(Train) as { properties: Record<string, Record<string, unknown>> };
  for (const [name, field] of Object.entries(properties))
    expect(field.description, name).toMatch(/\.$|config$/);
  expect(properties.lr).toMatchObject({ type: "number", default: 4e-4, minimum: 0 });
  expect(properties.seed).toEqual({ type: "integer", default: 42, description: expect.any(String) });
});

test("the script writes all of them", () => {
  const folder = mkdtempSync(join(tmpdir(), "saev-schemas-"));
  try {
    execFileSync(process.execPath, [join(built(), "../../scripts/write-json-schemas.mjs"), folder]);
    expect(readdirSync(folder).sort()).toEqual([
      "activations.schema.json",
      "evaluate.schema.json",
      "evaluation-report.schema.json",
      "latents.schema.json",
      "sweep.schema.json",
      "train.schema.json",
      "visuals.schema.json",
    ]);
    expect(JSON.parse(readFileSync(join(folder, "train.schema.json"), "utf8"))).toEqual(jsonSchema(Train));
    expect(JSON.parse(readFileSync(join(folder, "sweep.schema.json"), "utf8"))).toEqual(sweepJsonSchema());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("evaluation.json", () => {
  const probes = {
    units: 2,
    seen: 2,
    mean_average_precision: null,
    mean_f1: 0.5,
    mean_base_rate: 1,
    classes: [],
  };
  const sae = {
    ckpt: "sae.pt",
    shard_root: "shards",
    layer: -2,
    patches: "patches",
    d_vit: 4,
    d_sae: 8,
    activation: "relu",
    figures: Object.fromEntries(
      "n_rows l0 l1 mse explained_variance normalized_mse cosine l2_ratio relative_bias n_dead n_almost_dead n_dense n_over_1_percent n_over_10_percent almost_dead_threshold dense_threshold"
        .split(" ")
        .map((name, i) => [name, i === 6 ? null : 1]),
    ),
    prefixes: [{ length: 4, mse: 0.1, explained_variance: 0.9 }],
    frequencies: { lo: -3, hi: 0, counts: [1, 2] },
    dictionary: null,
    image_probes: probes,
    patch_probes: null,
    fidelity: null,
    notes: ["why"],
  };
  const validate = ajv.compile(evaluationReportSchema());
  const report = { format: 1, saes: [sae] };

  test("parser and JSON Schema accept a report", () => {
    expect(EvaluationReport.parse(report)).toEqual(report);
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each([
    { ...report, format: 2 },
    { format: 1, saes: [{ ...sae, d_sae: -1 }] },
    { format: 1, saes: [{ ...sae, figures: { ...sae.figures, more: 1 } }] },
    { format: 1, saes: [{ ...sae, image_probes: { ...probes, mean_f1: 1.5 } }] },
    { format: 1, saes: [{ ...sae, notes: undefined }] },
  ])("both refuse what is none (%#)", (value) => {
    expect(EvaluationReport.safeParse(value).success).toBe(false);
    expect(validate(JSON.parse(JSON.stringify(value)))).toBe(false);
  });
});
