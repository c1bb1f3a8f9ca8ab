import path from "node:path";
import { evaluate, MemoryLoader, type SaeTraining, Tensor, Trainer } from "@saev/core";
import type { Outcome } from "../area.js";
import { factor, floor, largest, largestDifference, readJson, Tensors } from "./compare.js";

interface Aux {
  readonly key: string;
  readonly k_aux: number;
  readonly alpha: number;
}

interface HeadTrace {
  readonly config: {
    readonly sae: {
      readonly d_model: number;
      readonly activation: {
        readonly key: string;
        readonly top_k: number;
        readonly momentum: number;
        readonly sparsity: { readonly coeff?: number };
        readonly aux: Aux;
      };
      readonly remove_parallel_grads: boolean;
      readonly normalize_w_dec: boolean;
    };
    readonly objective: { readonly n_prefixes: number; readonly dead_threshold_tokens: number };
    readonly lr: number;
    readonly n_lr_warmup: number;
    readonly grad_clip: number;
  };
  readonly total_steps_for_schedule: number;
  readonly batches: readonly (readonly number[])[];
  readonly steps: readonly (Record<string, number> & { readonly prefixes: readonly number[] })[];
  readonly float64_deviation: Readonly<Record<string, number>>;
  readonly evaluate_after: Readonly<Record<string, number>>;
}

function trainingOf({ config, total_steps_for_schedule }: HeadTrace): SaeTraining {
  const { activation } = config.sae;
  const { aux } = activation;
  return {
    lr: config.lr,
    nLrWarmup: config.n_lr_warmup,
    schedule: { decay: "cosine", nSteps: total_steps_for_schedule },
    sparsityCoeff: activation.sparsity.coeff ?? 0,
    removeParallelGrads: config.sae.remove_parallel_grads,
    normalizeWDec: config.sae.normalize_w_dec,
    input: "raw",
    activation:
      activation.key === "relu"
        ? { kind: "relu" }
        : { kind: activation.key as "top-k" | "batch-top-k", topK: activation.top_k, relu: false },
    ...(activation.momentum !== undefined && { momentum: activation.momentum }),
    ...(aux.key === "auxk" && {
      auxK: { kAux: aux.k_aux, alpha: aux.alpha, form: "python-package" as const },
    }),
    deadThresholdTokens: config.objective.dead_threshold_tokens,
    gradClip: config.grad_clip,
  };
}

/** Figures of a step: ours, theirs, and the key of their floor. */
const figures = [
  ["loss", "loss"],
  ["mse", "mse"],
  ["l0", "l0"],
  ["l1", "l1"],
  ["sparsity", "sparsity"],
  ["aux", "aux"],
  ["gradNorm", "grad_norm"],
  ["nDead", "n_dead"],
  ["threshold", "threshold"],
] as const;

const parameters = [
  ["wEnc", "W_enc"],
  ["bEnc", "b_enc"],
  ["wDec", "W_dec"],
  ["bDec", "b_dec"],
] as const;

/** A training run of March 2026, step by step on the same batches and prefixes, and its evaluation. */
export async function* headTrace(folder: string, name: string): AsyncIterable<Outcome> {
  const at = path.join(folder, "sae", "traces");
  const trace = readJson(at, name, "trace.json") as HeadTrace;
  const { batches, steps, float64_deviation: floors } = trace;
  const rows = (await Tensors.open(at, "data.safetensors")).floats("x");
  const tensors = await Tensors.open(at, name, "tensors.safetensors");
  const dVit = trace.config.sae.d_model;
  using trainer = Trainer.create(dVit);
  trainer.add(tensors.sae("init"), trainingOf(trace));
  const keys = new Set(tensors.names());
  const compare = (key: string, ours: Float32Array): Outcome => {
    const theirs = tensors.floats(key);
    return {
      subject: `traces/${name} ${key}`,
      deviation: largestDifference(ours, theirs),
      tolerance: Math.max(factor * (floors[key] ?? 0), floor * largest(theirs)),
    };
  };
  const worst = new Map<string, number>();
  let wrongRates = 0;
  for (const [i, batch] of batches.entries()) {
    const x = new Float32Array(batch.length * dVit);
    batch.forEach((row, r) => {
      x.set(rows.subarray(row * dVit, (row + 1) * dVit), r * dVit);
    });
    using acts = Tensor.from(x, [batch.length, dVit]);
    const step = `step${i + 1}`;
    const theirs = steps[i];
    if (!theirs) throw new Error(`traces/${name}: ${step} is missing`);
    const wanted = keys.has(`grad_${step}.W_dec`);
    const { saes, gradients } = await trainer.step(acts, { gradients: wanted, prefixes: theirs.prefixes });
    const ours = saes[0];
    if (!ours) throw new Error("no SAE was trained");
    for (const [mine, disk] of figures) {
      const reference = theirs[disk];
      if (reference === undefined) continue;
      const d = Math.abs(ours[mine] - reference) / Math.max(Math.abs(reference), 1e-30);
      worst.set(disk, Math.max(worst.get(disk) ?? 0, ours[mine] === reference ? 0 : d));
    }
    wrongRates += Math.abs(ours.lr - (theirs.lr as number)) <= 1e-16 ? 0 : 1;
    const g = gradients[0];
    const after = trainer.tensors(0);
    for (const [ts, disk] of parameters) {
      if (keys.has(`after_${step}.${disk}`))
        yield compare(`after_${step}.${disk}`, after[ts].toFloat32Array());
      if (g && keys.has(`grad_${step}.${disk}`))
        yield compare(`grad_${step}.${disk}`, g[ts].toFloat32Array());
      after[ts].dispose();
      g?.[ts].dispose();
    }
    if (g) yield compare(`grad_raw_${step}.W_dec`, g.rawWDec.toFloat32Array());
    g?.rawWDec.dispose();
    const threshold = `after_${step}.activation.threshold`;
    if (keys.has(threshold)) yield compare(threshold, Float32Array.of(ours.threshold));
  }
  for (const [disk, deviation] of worst) {
    yield {
      subject: `traces/${name} ${disk} of ${steps.length} steps`,
      deviation,
      tolerance: disk === "n_dead" ? 0 : Math.max(factor * (floors[`rel.${disk}`] ?? 0), floor),
      note: disk === "n_dead" ? "exact" : "largest relative difference",
    };
  }
  yield {
    subject: `traces/${name} lr`,
    deviation: wrongRates,
    tolerance: 0,
    note: "steps that differ by more than 1e-16",
  };
  using counters = trainer.sinceActive(0);
  using reference = tensors.tensor("toks_since_active_after");
  yield {
    subject: `traces/${name} toks_since_active_after`,
    deviation: largestDifference(counts(counters), counts(reference)),
    tolerance: 0,
  };
  yield* evaluation(name, trace, trainer, rows, tensors);
}

/** The SAE after the last step, on all rows. Their mse is over prefixes; the whole reconstruction's is its SSE. */
async function* evaluation(
  name: string,
  { config, evaluate_after: theirs }: HeadTrace,
  trainer: Trainer,
  rows: Float32Array,
  tensors: Tensors,
): AsyncIterable<Outcome> {
  const dVit = config.sae.d_model;
  using x = Tensor.from(rows, [rows.length / dVit, dVit]);
  using source = MemoryLoader.create(x);
  using sae = trainer.sae(0);
  const ours = await evaluate(sae, source, {
    almostDeadThreshold: theirs.almost_dead_threshold as number,
    denseThreshold: theirs.dense_threshold as number,
  });
  const figure = (what: string, mine: number, tolerance: number): Outcome => ({
    subject: `traces/${name} evaluate_after ${what}`,
    deviation: Math.abs(mine - (theirs[what] as number)) / Math.max(Math.abs(theirs[what] as number), 1),
    tolerance,
  });
  yield figure("l0", ours.l0, 1e-5);
  yield figure("l1", ours.l1, 1e-5);
  yield figure("sse_sae", ours.mse * rows.length, 1e-5);
  yield figure("normalized_mse", 1 - ours.explainedVariance, 1e-5);
  if (config.objective.n_prefixes === 1) yield figure("mse", ours.mse, 1e-5);
  yield figure("n_dead", ours.nDead, 0);
  yield figure("n_almost_dead", ours.nAlmostDead, 0);
  yield figure("n_dense", ours.nDense, 0);
  const freqs = tensors.floats("evaluate_after.freqs");
  yield {
    subject: `traces/${name} evaluate_after.freqs`,
    deviation: largestDifference(ours.freqs.toFloat32Array(), freqs),
    tolerance: 1.001 / ours.nRows,
    note: "one firing",
  };
  const means = tensors.floats("evaluate_after.mean_values");
  yield {
    subject: `traces/${name} evaluate_after.mean_values`,
    deviation: largestDifference(ours.meanValues.toFloat32Array(), means),
    tolerance: 1e-5 * largest(means),
    note: "NaN where a latent never fired, in the same places",
  };
}

/** An int64 tensor as numbers. */
export const counts = (tensor: Tensor): number[] =>
  Array.from(tensor.toTypedArray() as BigInt64Array, Number);
