import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DataLoad, parseConfig } from "@saev/config";
import {
  ActivationLoader,
  blendRows,
  drawPrefixes,
  evaluate,
  loadCheckpoint,
  MemoryLoader,
  meanActivation,
  meanSquaredErr,
  plannedBatches,
  Tensor,
  Trainer,
  warmup,
  warmupCosine,
} from "@saev/core";
import type { ConformanceArea, Outcome } from "../area.js";
import { factor, floor, largest, largestDifference, readJson, Tensors } from "../sae/compare.js";
import { counts, headTrace } from "../sae/head-trace.js";

interface Trace {
  readonly config: {
    readonly sae: {
      readonly remove_parallel_grads: boolean;
      readonly normalize_w_dec: boolean;
      readonly d_vit: number;
    };
    readonly objective: { readonly sparsity_coeff: number };
    readonly lr: number;
    readonly n_lr_warmup: number;
    readonly n_sparsity_warmup: number;
  };
  readonly batches: readonly (readonly number[])[];
  readonly steps: readonly Record<string, number>[];
  readonly float64_deviation: Readonly<Record<string, number>>;
}

const fields = [
  ["wEnc", "W_enc"],
  ["bEnc", "b_enc"],
  ["wDec", "W_dec"],
  ["bDec", "b_dec"],
] as const;

async function* trace(folder: string, name: string): AsyncIterable<Outcome> {
  const at = path.join(folder, "sae", "traces");
  const { config, batches, steps, float64_deviation: floors } = readJson(at, name, "trace.json") as Trace;
  const rows = (await Tensors.open(at, "data.safetensors")).floats("x");
  const tensors = await Tensors.open(at, name, "tensors.safetensors");
  const dVit = config.sae.d_vit;
  using trainer = Trainer.create(dVit);
  trainer.add(tensors.sae("init"), {
    lr: config.lr,
    nLrWarmup: config.n_lr_warmup,
    sparsityCoeff: config.objective.sparsity_coeff,
    nSparsityWarmup: config.n_sparsity_warmup,
    legacySparsityWarmup: true,
    removeParallelGrads: config.sae.remove_parallel_grads,
    normalizeWDec: config.sae.normalize_w_dec,
  });
  const recorded = new Set(
    tensors
      .names()
      .flatMap((n) => [...(/^(?:grad|after|grad_raw)_step(\d+)\./.exec(n) ?? [])].slice(1).map(Number)),
  );
  const compare = (key: string, ours: Tensor): Outcome => {
    const a = ours.toFloat32Array();
    const b = tensors.floats(key);
    return {
      subject: `traces/${name} ${key}`,
      deviation: largestDifference(a, b),
      tolerance: Math.max(factor * (floors[key] ?? 0), floor * largest(b)),
    };
  };
  const names = ["loss", "mse", "l0", "l1", "sparsity"] as const;
  const worst = Object.fromEntries(names.map((n) => [n, 0])) as Record<(typeof names)[number], number>;
  let wrongRates = 0;
  for (const [i, batch] of batches.entries()) {
    const x = new Float32Array(batch.length * dVit);
    batch.forEach((row, r) => {
      x.set(rows.subarray(row * dVit, (row + 1) * dVit), r * dVit);
    });
    using acts = Tensor.from(x, [batch.length, dVit]);
    const wanted = recorded.has(i + 1);
    const { saes, gradients } = await trainer.step(acts, { gradients: wanted });
    const ours = saes[0];
    const theirs = steps[i];
    if (!ours || !theirs) throw new Error(`traces/${name}: step ${i + 1} is missing`);
    for (const n of names) {
      const d = Math.abs(ours[n] - (theirs[n] as number)) / Math.max(Math.abs(theirs[n] as number), 1e-30);
      worst[n] = Math.max(worst[n], d);
    }
    wrongRates += ours.lr === theirs.lr ? 0 : 1;
    if (!wanted) continue;
    const after = trainer.tensors(0);
    const g = gradients[0];
    const found = new Map<string, Tensor>(
      fields.map(([ts, disk]) => [`after_step${i + 1}.${disk}`, after[ts]]),
    );
    if (g) {
      found.set(`grad_raw_step${i + 1}.W_dec`, g.rawWDec);
      for (const [ts, disk] of fields) found.set(`grad_step${i + 1}.${disk}`, g[ts]);
    }
    for (const [key, tensor] of found) {
      if (tensors.names().includes(key)) yield compare(key, tensor);
      tensor.dispose();
    }
  }
  for (const n of names) {
    yield {
      subject: `traces/${name} ${n} of ${steps.length} steps`,
      deviation: worst[n],
      tolerance: Math.max(factor * (floors[`rel.${n}`] ?? 0), floor),
      note: "largest relative difference",
    };
  }
  yield { subject: `traces/${name} lr`, deviation: wrongRates, tolerance: 0, note: "steps that differ" };
}

/** Checkpoints encode and reconstruct as recorded. */
async function* checkpoints(folder: string): AsyncIterable<Outcome> {
  const at = path.join(folder, "sae", "checkpoints");
  for (const name of readdirSync(at).sort()) {
    if (name.endsWith(".json")) continue;
    const file = path.join(at, name, "sae.pt");
    yield* encodes(
      `checkpoints/${name}`,
      file,
      await Tensors.open(at, name, "reference.safetensors"),
      undefined,
    );
  }
  const headers = readJson(at, "load_errors.json") as Record<string, { header: unknown }>;
  const temporary = await mkdtemp(path.join(tmpdir(), "saev-conformance-"));
  try {
    const whole = readFileSync(path.join(at, "schema1-relu", "sae.pt"));
    const archive = whole.subarray(whole.indexOf(10) + 1);
    for (const [name, { header }] of Object.entries(headers)) {
      const file = path.join(temporary, `${name}.pt`);
      await writeFile(file, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), archive]));
      yield await refused(`checkpoints/load_errors.json ${name}`, undefined, () => loadCheckpoint(file));
    }
  } finally {
    await rm(temporary, { recursive: true });
  }
  // March 2026 reads the oldest files without subtracting b_dec: forcing that formula gives its values.
  const old = readJson(at, "head_loader_on_old_files.json") as Record<string, { loads: boolean }>;
  for (const [name, { loads }] of Object.entries(old)) {
    if (!loads) continue;
    const reference = await Tensors.open(at, name, "reference_head.safetensors");
    yield* encodes(`checkpoints/${name} read as raw`, path.join(at, name, "sae.pt"), reference, "raw");
  }
}

async function* encodes(
  subject: string,
  file: string,
  reference: Tensors,
  input: "raw" | "centred" | undefined,
): AsyncIterable<Outcome> {
  using sae = (await loadCheckpoint(file, { input })).sae;
  using x = reference.tensor("x");
  using latents = await sae.encode(x);
  const outcome = (what: string, ours: Float32Array): Outcome => {
    const theirs = reference.floats(what);
    return {
      subject: `${subject} ${what}`,
      deviation: largestDifference(ours, theirs),
      tolerance: factor * floor * largest(theirs),
      note: "float32 sums in another order",
    };
  };
  yield outcome("f_x", latents.toDense());
  using xHat = await sae.decode(latents);
  yield outcome("x_hat", xHat.toFloat32Array());
}

async function refused(
  subject: string,
  code: string | undefined,
  call: () => Promise<unknown>,
): Promise<Outcome> {
  try {
    await call();
    return { subject, deviation: 1, tolerance: 0, note: "was read, should be refused" };
  } catch (error) {
    const found = (error as { code?: string }).code;
    const right = code === undefined ? typeof found === "string" : found === code;
    return { subject, deviation: right ? 0 : 1, tolerance: 0, note: `refused: ${(error as Error).message}` };
  }
}

interface EvaluateCase {
  readonly data: Record<string, unknown> & { readonly shard_root: string };
  readonly sae_batch_size: number;
  readonly l0: number;
  readonly l1: number;
  readonly mse: number;
  readonly n_dead: number;
  readonly n_almost_dead: number;
  readonly n_dense: number;
  readonly almost_dead_threshold: number;
  readonly dense_threshold: number;
}

async function* evaluations(folder: string): AsyncIterable<Outcome> {
  const cases = readJson(folder, "sae", "evaluate", "metrics.json") as Record<string, EvaluateCase>;
  const tensors = await Tensors.open(folder, "sae", "evaluate", "metrics.safetensors");
  using sae = (await loadCheckpoint(path.join(folder, "sae", "checkpoints", "schema1-relu", "sae.pt"))).sae;
  for (const [name, c] of Object.entries(cases)) {
    const shardRoot = path.resolve(folder, "shards", c.data.shard_root);
    const data = parseConfig(DataLoad, { ...c.data, shard_root: shardRoot });
    using loader = await ActivationLoader.open(data, { order: "ordered" });
    const ours = await evaluate(sae, loader, {
      batchSize: c.sae_batch_size,
      batchMeans: true,
      almostDeadThreshold: c.almost_dead_threshold,
      denseThreshold: c.dense_threshold,
    });
    const subject = (what: string) => `evaluate ${name} ${what}`;
    // A latent at the edge of firing may tip: one firing is 1 / rows.
    const firing = 1 / ours.nRows;
    for (const what of ["l0", "l1", "mse"] as const) {
      yield {
        subject: subject(what),
        deviation: Math.abs(ours[what] - c[what]) / c[what],
        tolerance: 1e-5,
        note: "relative",
      };
    }
    yield { subject: subject("n_dead"), deviation: Math.abs(ours.nDead - c.n_dead), tolerance: 0 };
    yield {
      subject: subject("n_almost_dead"),
      deviation: Math.abs(ours.nAlmostDead - c.n_almost_dead),
      tolerance: 0,
    };
    yield { subject: subject("n_dense"), deviation: Math.abs(ours.nDense - c.n_dense), tolerance: 0 };
    const freqs = tensors.floats(`${name}.freqs`);
    const ourFreqs = ours.freqs.toFloat32Array();
    yield {
      subject: subject("freqs"),
      deviation: largestDifference(ourFreqs, freqs),
      tolerance: firing * 1.001,
      note: "one firing",
    };
    const means = tensors.floats(`${name}.mean_values`);
    yield {
      subject: subject("mean_values"),
      deviation: largestDifference(ours.meanValues.toFloat32Array(), means),
      tolerance: 1e-5 * largest(means),
      note: "NaN where a latent never fired, in the same places",
    };
  }
}

interface LimiterCase {
  readonly n_rows: number;
  readonly batch_size: number;
  readonly n_samples: number;
  readonly drop_last: boolean;
  readonly never_ends: boolean;
  readonly batch_sizes: readonly number[];
}

function* limiter(folder: string): Iterable<Outcome> {
  const cases = readJson(folder, "sae", "batch_limiter.json") as LimiterCase[];
  for (const [i, c] of cases.entries()) {
    const ours = plannedBatches(c.n_rows, c.batch_size, c.n_samples, 10_000);
    const subject = `batch_limiter.json case ${i}`;
    if (c.never_ends) {
      const ends = ours.length < 10_000 && ours.every((n, k) => n === (c.batch_sizes[k] ?? n));
      yield { subject, deviation: ends ? 0 : 1, tolerance: 0, note: "the original never ends; ours does" };
    } else if (c.drop_last) {
      yield { subject, deviation: 0, tolerance: 0, note: "drop_last is no setting of training" };
    } else {
      yield { subject, deviation: largestDifference(ours, c.batch_sizes), tolerance: 0 };
    }
  }
}

function* schedules(folder: string): Iterable<Outcome> {
  const { cases } = readJson(folder, "sae", "schedule_warmup.json") as {
    cases: { init: number; final: number; n_steps: number; values: number[] }[];
  };
  for (const [i, { init, final, n_steps, values }] of cases.entries()) {
    const ours = values.map((_, t) => warmup(init, final, n_steps, t + 2));
    yield {
      subject: `schedule_warmup.json case ${i}`,
      deviation: largestDifference([warmup(init, final, n_steps, 1), ...ours], [init, ...values]),
      tolerance: 0,
    };
  }
}

function* cosineSchedules(folder: string): Iterable<Outcome> {
  const { cases } = readJson(folder, "sae", "schedule_warmup_cosine.json") as {
    cases: {
      init: number;
      n_warmup: number;
      peak: number;
      n_steps: number;
      final: number;
      values: number[];
    }[];
  };
  for (const [i, c] of cases.entries()) {
    const options = {
      initial: c.init,
      nWarmup: c.n_warmup,
      peak: c.peak,
      nSteps: c.n_steps,
      final: c.final,
    };
    const ours = c.values.map((_, t) => warmupCosine(options, t + 2));
    yield {
      subject: `schedule_warmup_cosine.json case ${i}`,
      deviation: largestDifference([warmupCosine(options, 1), ...ours], [c.init, ...c.values]),
      tolerance: 0,
    };
  }
}

/** Frequencies of drawn lengths against those of the reference's draws: both are samples of the same distribution. */
function* prefixes(folder: string): Iterable<Outcome> {
  const { draws } = readJson(folder, "sae", "prefixes.json") as {
    draws: { d_sae: number; n_prefixes: number; draws: number[][] }[];
  };
  for (const { d_sae: dSae, n_prefixes: n, draws: theirs } of draws) {
    const ours = theirs.map((_, step) => drawPrefixes(dSae, n, { draw: "python-package", step }));
    const sound = ours.every(
      (p) => p.length === theirs[0]?.length && p.at(-1) === dSae && p.every((m, i) => m > (p[i - 1] ?? 0)),
    );
    const subject = `prefixes.json d_sae ${dSae} n ${n}`;
    yield { subject, deviation: sound ? 0 : 1, tolerance: 0, note: "distinct, ascending, last one d_sae" };
    const logs = (all: number[][]) => all.flatMap((p) => p.slice(0, -1)).map(Math.log);
    const [a, b] = [logs(ours), logs(theirs)];
    if (a.length === 0) continue;
    const mean = (v: number[]) => v.reduce((x, y) => x + y, 0) / v.length;
    const variance = (v: number[]) => mean(v.map((x) => (x - mean(v)) ** 2));
    yield {
      subject: `${subject} mean log length`,
      deviation: Math.abs(mean(a) - mean(b)),
      tolerance: 4 * Math.sqrt(variance(a) / a.length + variance(b) / b.length),
      note: "four standard errors",
    };
  }
}

async function* squaredErrors(folder: string): AsyncIterable<Outcome> {
  const tensors = await Tensors.open(folder, "sae", "mean_squared_err.safetensors");
  for (const name of tensors.names()) {
    const [scale, what] = name.split(".");
    if (what !== "mse" && what !== "mse_norm") continue;
    using x = tensors.tensor(`${scale}.x`);
    using xHat = tensors.tensor(`${scale}.x_hat`);
    using ours = meanSquaredErr(xHat, x, what === "mse_norm");
    const theirs = tensors.floats(name);
    const found = ours.toFloat32Array();
    const size = largest(theirs);
    const scaled = (v: Float32Array) => (size > 0 ? Array.from(v, (e) => e / size) : v);
    yield {
      subject: `mean_squared_err ${name}`,
      deviation: largestDifference(scaled(found), scaled(theirs)),
      tolerance: floor,
      note: "relative to the largest entry; NaN where the original has NaN",
    };
  }
}

async function* biases(folder: string): AsyncIterable<Outcome> {
  const { cases } = readJson(folder, "sae", "init_b_dec.json") as {
    cases: { case: number; n_reinit_samples: number; error?: string }[];
  };
  const tensors = await Tensors.open(folder, "sae", "init_b_dec.safetensors");
  using rows = tensors.tensor("vit_acts");
  for (const { case: i, n_reinit_samples: n, error } of cases) {
    const subject = `init_b_dec.json case ${i}`;
    using source = MemoryLoader.create(rows);
    if (error !== undefined) {
      yield await refused(subject, "INVALID_ARGUMENT", () => meanActivation(source, n));
      continue;
    }
    const before = tensors.floats(`case${i}.before`);
    const after = tensors.floats(`case${i}.after`);
    const ours = n === 0 ? before : (await meanActivation(source, n)).toFloat32Array();
    yield {
      subject,
      deviation: largestDifference(ours, after),
      tolerance: floor * Math.max(1, largest(after)),
    };
  }
}

/** Rows of W_dec started from data: the same blend of the same draws, put in the order that was recorded. */
async function* datapoints(folder: string): AsyncIterable<Outcome> {
  const { reinit_blend: share } = readJson(folder, "sae", "datapoint_init.json") as { reinit_blend: number };
  const tensors = await Tensors.open(folder, "sae", "datapoint_init.safetensors");
  const acts = tensors.floats("acts_in_order");
  using kaiming = tensors.tensor("kaiming");
  const [dSae = 0, dVit = 0] = kaiming.shape;
  const rows = new Float32Array(dSae * dVit);
  const order = (name: string): number[] => {
    using tensor = tensors.tensor(name);
    return counts(tensor);
  };
  for (const [j, r] of order("perm_acts").slice(0, dSae).entries())
    rows.set(acts.subarray(r * dVit, (r + 1) * dVit), j * dVit);
  using sampled = Tensor.from(rows, [dSae, dVit]);
  using all = tensors.tensor("acts_in_order");
  using source = MemoryLoader.create(all);
  using mean = await meanActivation(source, all.shape[0] ?? 0);
  using blended = blendRows(kaiming, { rows: sampled, mean }, share);
  const ours = blended.toFloat32Array();
  const permuted = new Float32Array(ours.length);
  for (const [j, r] of order("perm_rows").entries())
    permuted.set(ours.subarray(r * dVit, (r + 1) * dVit), j * dVit);
  yield {
    subject: "datapoint_init W_dec",
    deviation: largestDifference(permuted, tensors.floats("W_dec")),
    tolerance: floor,
    note: "rows of unit norm",
  };
}

/** Sparse autoencoders: training, checkpoints, evaluation. */
export const area: ConformanceArea = {
  name: "sae",
  async *run(folder) {
    const traces = readdirSync(path.join(folder, "sae", "traces")).filter((name) => !name.includes("."));
    for (const name of traces.sort()) {
      yield* name.startsWith("head-") ? headTrace(folder, name) : trace(folder, name);
    }
    yield* checkpoints(folder);
    yield* evaluations(folder);
    yield* limiter(folder);
    yield* schedules(folder);
    yield* cosineSchedules(folder);
    yield* prefixes(folder);
    yield* squaredErrors(folder);
    yield* biases(folder);
    yield* datapoints(folder);
  },
};
