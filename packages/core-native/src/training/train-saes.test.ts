import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseTrain } from "@saev/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluate } from "../evaluation/evaluate.js";
import { python, runPython } from "../io/python.test-util.js";
import { ActivationLoader } from "../loading/activation-loader.js";
import { loadCheckpoint } from "../sae/checkpoint.js";
import { writeSyntheticShards } from "../shards/testing/synthetic-shards.js";
import { learningRate, plannedSteps } from "./plan.js";
import { resolveTrain } from "./resolve.js";
import { readRunRecord } from "./run-record.js";
import { statesOf } from "./run-states.js";
import { type TrainedSae, type TrainProgress, trainSaes } from "./train-saes.js";
import { trainingOf } from "./training-of.js";

const dVit = 12;
const nImgs = 60;
const nTokens = 17;

let root: string;
let shardRoot: string;

/** Each row a few directions of a fixed dictionary, so that there is something to find. */
function syntheticRows(n: number): Float32Array {
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const directions = Array.from({ length: 20 }, () => Array.from({ length: dVit }, () => random() - 0.5));
  const out = new Float32Array(n * dVit);
  for (let r = 0; r < n; r++) {
    for (let t = 0; t < 2; t++) {
      const direction = directions[Math.floor(random() * 20)]!;
      const strength = 1 + random();
      for (let k = 0; k < dVit; k++) out[r * dVit + k]! += strength * direction[k]! + 0.3;
    }
  }
  return out;
}

beforeAll(async () => {
  root = mkdtempSync(path.join(tmpdir(), "saev-train-"));
  shardRoot = await writeSyntheticShards(path.join(root, "shards"), {
    images: nImgs,
    patches: nTokens - 1,
    clsToken: true,
    dVit,
    values: syntheticRows(nImgs * nTokens),
  });
});

afterAll(() => rmSync(root, { recursive: true }));

const config = (more: Record<string, unknown> = {}, sae: Record<string, unknown> = {}, coeff = 1e-3) =>
  parseTrain({
    data: { shard_root: shardRoot, layer: -1, n_random_samples: 200 },
    n_workers: 1,
    n_patches: 20_000,
    sae: { d_vit: dVit, exp_factor: 4, n_reinit_samples: 500, ...sae },
    objective: { sparsity_coeff: coeff },
    lr: 5e-3,
    n_lr_warmup: 5,
    sae_batch_size: 128,
    log_every: 10,
    ckpt_path: path.join(root, "checkpoints"),
    device: "cpu",
    tag: "a tag",
    ...more,
  });

const lines = (run: TrainedSae) =>
  readFileSync(path.join(run.dir, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);

test("trains a group on one pass and leaves what a run must leave", async () => {
  const cfgs = [config(), config({}, { seed: 1 }, 3e-2), config({}, { exp_factor: 2 })];
  const phases = new Set<TrainProgress["phase"]>();
  const runs = await trainSaes(cfgs, { onProgress: (p) => phases.add(p.phase) });
  expect(runs.map((r) => r.cfg)).toEqual(cfgs);
  expect(new Set(runs.map((r) => r.runId)).size).toBe(3);
  expect([...phases].sort()).toEqual(["evaluate", "train"]);
  for (const run of runs) {
    expect(readdirSync(run.dir).sort()).toEqual([
      "config.json",
      "evaluation.json",
      "metrics.jsonl",
      "run.json",
      "sae.pt",
      "states",
    ]);
    const [head, ...entries] = lines(run);
    expect(head).toMatchObject({ run_id: run.runId, tag: "a tag", wandb_project: "saev" });
    expect(entries).toHaveLength(Math.floor(run.steps / 10));
    expect(entries.map((e) => e.step)).toEqual(entries.map((_, i) => 10 * (i + 1)));
    expect(entries.at(-1)!.mse).toBeLessThan(entries[0]!.mse! / 2);
    const document = JSON.parse(readFileSync(path.join(run.dir, "config.json"), "utf8"));
    expect(document.sae).toEqual({
      d_vit: dVit,
      exp_factor: run.cfg.sae.kind === "relu" ? run.cfg.sae.exp_factor : 0,
      n_reinit_samples: 500,
      remove_parallel_grads: true,
      normalize_w_dec: true,
      seed: run.cfg.sae.kind === "relu" ? run.cfg.sae.seed : 0,
    });
    const evaluation = JSON.parse(readFileSync(path.join(run.dir, "evaluation.json"), "utf8"));
    expect(evaluation.n_rows).toBe(nImgs * (nTokens - 1));
    expect(evaluation.explained_variance).toBeCloseTo(run.evaluation!.explainedVariance, 12);
  }
  expect(runs[0]!.evaluation!.explainedVariance).toBeGreaterThan(0.9);
  expect(runs[1]!.evaluation!.l0).toBeLessThan(runs[0]!.evaluation!.l0);
});

test("every kind and objective trains, is saved, and opens to what was evaluated", async () => {
  const top = { n_reinit_samples: 500, top_k: 3, k_aux: 8, dead_threshold_tokens: 1500 };
  const groups = [8, 16, 24];
  const cfgs = [
    config({}, { kind: "top-k", ...top }),
    config({}, { kind: "top-k", ...top, relu: false, aux_form: "python-package", tied: false }),
    config({}, { kind: "batch-top-k", ...top }),
    config({ objective: { kind: "matryoshka", n_prefixes: 4 } }, { kind: "batch-top-k", ...top }),
    config({ objective: { kind: "matryoshka", n_prefixes: 4, sparsity_coeff: 1e-3 } }),
    config({ objective: { kind: "matryoshka", group_sizes: groups } }, { kind: "batch-top-k", ...top }),
    config({}, { kind: "jump-relu", bandwidth: 0.3 }, 2e-3),
    config({ n_sparsity_warmup: 50 }, { kind: "jump-relu", bandwidth: 0.3, sparsity: "tanh-l0" }, 2e-3),
    config({}, { kind: "gated" }, 1e-2),
    config({ objective: { kind: "matryoshka", n_prefixes: 4 } }, { kind: "gated" }),
    config({ optimizer: "muon", n_patches: 8000 }, { kind: "gated", d_sae: 37, exp_factor: 16 }, 1e-2),
  ];
  const runs = await trainSaes(cfgs, { warn: () => {} });
  using source = await ActivationLoader.open(cfgs[0]!.data, { order: "ordered" });
  for (const run of runs) {
    const { kind } = run.cfg.sae;
    const { sae, header } = await loadCheckpoint(path.join(run.dir, "sae.pt"));
    expect([kind, header.schema]).toEqual([header.activation.kind, kind === "relu" ? 1 : 5]);
    if (kind === "jump-relu") {
      // Thresholds move, and fewer latents are active than in the beginning.
      const thresholds = sae.tensors().threshold!.toFloat32Array();
      expect(new Set(thresholds).size).toBeGreaterThan(10);
      expect(lines(run).at(-1)!.l0).toBeLessThan(0.9 * lines(run)[1]!.l0!);
    }
    const grouped = "group_sizes" in run.cfg.objective && run.cfg.objective.group_sizes.length > 0;
    expect(sae.groupSizes).toEqual(grouped ? groups : undefined);
    if (grouped) {
      expect(trainingOf(run.cfg, 1, false).matryoshka).toEqual({ prefixes: [8, 24, 48] });
      expect(run.evaluation?.prefixes?.map(({ length }) => length)).toEqual([8, 24, 48]);
    }
    const found = await evaluate(sae, source);
    sae.dispose();
    // The encoder's bias is folded into the form that the file has: rounding only.
    expect(found.mse).toBeCloseTo(run.evaluation!.mse, 5);
    expect(found.l0).toBeCloseTo(run.evaluation!.l0, 1);
    expect(found.explainedVariance).toBeGreaterThan(0.5);
    if (kind === "top-k") expect(found.l0).toBeLessThanOrEqual(3);
    if (kind === "batch-top-k") {
      expect(found.l0).toBeCloseTo(3, 0);
      expect(lines(run).at(-1)!.threshold).toBeGreaterThan(0);
    }
  }
});

test("a run has the size, start, schedule and optimizer that it asks for", async () => {
  const falling = (lr_schedule: string, more = {}) =>
    config({ lr_schedule, log_every: 1, n_patches: 4000, ...more }, { d_sae: 31, exp_factor: 16 });
  const cfgs = [
    falling("linear"),
    falling("cosine", { grad_clip: 0.01, optimizer: "adamw", weight_decay: 0.1 }),
    config({ n_patches: 4000 }, { d_sae: 31, exp_factor: 16, reinit_blend: 0.8, tied: true }),
    config({ n_patches: 4000, lr: 0 }, { d_sae: 31, exp_factor: 16, reinit_blend: 0.8, tied: true }),
  ];
  const runs = await trainSaes(cfgs, { evaluate: false });
  for (const [i, decay] of (["linear", "cosine"] as const).entries()) {
    const entries = lines(runs[i]!).slice(1);
    const nSteps = plannedSteps(nImgs * (nTokens - 1), 128, 4000);
    expect(entries).toHaveLength(nSteps);
    const rates = entries.map((_, t) => learningRate({ peak: 5e-3, nWarmup: 5, decay, nSteps }, t + 1));
    expect(entries.map((e) => e.lr)).toEqual(rates);
    expect(rates.at(-1)).toBeLessThan(5e-3 / 10);
  }
  for (const run of runs) {
    const { sae, header } = await loadCheckpoint(path.join(run.dir, "sae.pt"));
    // No multiple of d_vit: schema 5.
    expect([header.schema, header.dSae, sae.dSae, sae.input]).toEqual([5, 31, 31, "raw"]);
    sae.dispose();
  }
  // Not trained: W_dec's rows still are four fifths data, of unit norm, and W_enc their transpose.
  const { sae } = await loadCheckpoint(path.join(runs[3]!.dir, "sae.pt"));
  const { wEnc, wDec } = sae.tensors();
  const [enc, dec] = [wEnc.toFloat32Array(), wDec.toFloat32Array()];
  for (let j = 0; j < 31; j++) {
    const row = dec.subarray(j * dVit, (j + 1) * dVit);
    expect(Math.hypot(...row)).toBeCloseTo(1, 5);
    expect(row.every((v, k) => Math.abs(v - enc[k * 31 + j]!) < 1e-6)).toBe(true);
  }
  await expect(trainSaes([config({}, { reinit_blend: 0.5, n_reinit_samples: 0 })])).rejects.toThrow(
    /reinit_blend/,
  );
});

test("the same config and seed train the same bits", async () => {
  const files = [];
  for (let i = 0; i < 2; i++) {
    const [run] = await trainSaes([config({ n_patches: 3000, track: false })], { evaluate: false });
    expect(readdirSync(run!.dir).sort()).toEqual(["config.json", "run.json", "sae.pt", "states"]);
    files.push(readFileSync(path.join(run!.dir, "sae.pt")));
  }
  expect(files[0]!.equals(files[1]!)).toBe(true);
});

test.skipIf(python === undefined)("Python loads what we write, the header as June 2025 has it", async () => {
  const [run] = await trainSaes([config({ n_patches: 500 })], { evaluate: false });
  const program = `
import json, sys, torch
with open(sys.argv[1], "rb") as f:
    header = json.loads(f.readline())
    state = torch.load(f, weights_only=True, map_location="cpu")
print(json.dumps([header, {k: list(v.shape) for k, v in state.items()}, str(state["W_enc"].dtype)]))`;
  const [header, shapes, dtype] = JSON.parse(runPython(program, path.join(run!.dir, "sae.pt")));
  expect(Object.keys(header)).toEqual(["schema", "cfg", "cls", "commit", "lib", "scaling"]);
  expect(header.scaling.act_mean).toHaveLength(dVit);
  expect(header.scaling.act_mean.some((v: number) => v !== 0)).toBe(true);
  using source = await ActivationLoader.open(config().data);
  const { sae } = await loadCheckpoint(path.join(run!.dir, "sae.pt"));
  const { actMean, scalar } = source;
  expect(sae.scaling).toEqual({ actMean: actMean.toFloat32Array(), scalar, clamp: 1e5 });
  expect(header).toMatchObject({ schema: 1, cls: "Relu", cfg: { d_vit: dVit, exp_factor: 4, seed: 0 } });
  expect(Object.entries(shapes)).toEqual([
    ["W_enc", [dVit, 48]],
    ["b_enc", [48]],
    ["W_dec", [48, dVit]],
    ["b_dec", [dVit]],
  ]);
  expect(dtype).toBe("torch.float32");
});

test("a run that diverges is dropped, by its name, and the others end as without it", async () => {
  const said: string[] = [];
  const [bad, good] = await trainSaes([config({ lr: 1e12, n_lr_warmup: 0 }), config()], {
    warn: (message) => said.push(message),
    evaluate: false,
  });
  const [alone] = await trainSaes([config()], { evaluate: false });
  expect(good!.dropped).toBeUndefined();
  expect(bad!.dropped).toMatch(
    new RegExp(`^step \\d+: the loss of run ${bad!.runId} is not finite; .*lower lr`),
  );
  expect(said).toEqual([expect.stringMatching(new RegExp(`^run ${bad!.runId}: .*the others go on`))]);
  const bytes = (run: TrainedSae) => readFileSync(path.join(run.dir, "sae.pt"));
  expect(bytes(good!).equals(bytes(alone!))).toBe(true);
  expect(bad!.dropped).toMatch(/; it had no checkpoint yet and leaves no sae\.pt$/);
  expect(readdirSync(bad!.dir)).not.toContain("sae.pt");
});

test("a run that diverges leaves the SAE of its last checkpoint", async () => {
  // The learning rate rises by 1e16 a step: soon the error's square overflows.
  const often = { checkpoint_every: 1, checkpoint_keep: 3, n_patches: 4000 };
  const diverging = { ...often, lr: 1e22, n_lr_warmup: 1_000_000 };
  const [bad] = await trainSaes([config(diverging, { kind: "batch-top-k", top_k: 3 }), config(often)], {
    warn: () => {},
  });
  const [, step] = /its sae\.pt is that of step (\d+)$/.exec(bad!.dropped!)!;
  expect(bad!.evaluation).toBeUndefined();
  expect(statesOf(bad!.dir).at(-1)!.step).toBe(Number(step));
  expect(readRunRecord(bad!.dir).status).toBe("diverged");
  const { sae } = await loadCheckpoint(path.join(bad!.dir, "sae.pt"));
  expect(sae.activation).toMatchObject({ kind: "batch-top-k", topK: 3 });
  sae.dispose();
});

test("an abort keeps the state so far and says where", async () => {
  const controller = new AbortController();
  const said: string[] = [];
  const reason = new Error("stop");
  const training = trainSaes([config({ n_patches: 50_000_000 })], {
    signal: controller.signal,
    warn: (message) => said.push(message),
    onLog: (entry) => entry.step >= 20 && controller.abort(reason),
  });
  await expect(training).rejects.toBe(reason);
  const [, where] = /the state so far is in ([^;]*);/.exec(said.join("\n"))!;
  expect(existsSync(where!)).toBe(true);
});

test("refuses what cannot be trained, before anything is written", async () => {
  const before = readdirSync(path.join(root, "checkpoints")).length;
  await expect(trainSaes([])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(trainSaes([config({ weight_decay: 0.5 })])).rejects.toMatchObject({
    code: "UNSUPPORTED",
  });
  await expect(trainSaes([config({}, { d_vit: 13 })])).rejects.toMatchObject({
    code: "SHAPE_MISMATCH",
    message: expect.stringMatching(/^sae\.d_vit: expected \d+, .*, found 13; give \d+, or leave it out$/),
  });
  for (const [sae, more, message] of [
    [{ kind: "top-k", top_k: 49 }, {}, /^sae\.top_k: expected from 1 to 48, .* found 49; give fewer/],
    [{}, { objective: { kind: "matryoshka", n_prefixes: 50 } }, /^objective\.n_prefixes: .* found 50/],
    [
      {},
      { objective: { kind: "matryoshka", group_sizes: [8, 41] } },
      /^objective\.group_sizes: expected sizes that sum to 48, .* found 49 in 8, 41; change a group, or give sae\.d_sae = 49$/,
    ],
  ] as const)
    await expect(trainSaes([config(more, sae)])).rejects.toThrow(message);
  const open = config({}, { d_vit: "auto" });
  expect(await resolveTrain(open)).toEqual(config({}, { d_vit: dVit }));
  await expect(trainSaes([config({}, { n_reinit_samples: 100_000 })])).rejects.toThrow(/n_reinit_samples/);
  expect(readdirSync(path.join(root, "checkpoints")).length).toBe(before);
});

test("metrics that cannot be written stop the run with one error", async () => {
  await expect(
    trainSaes([config({ ckpt_path: path.join(shardRoot, "metadata.json", "x") })]),
  ).rejects.toMatchObject({ code: "IO" });
});
