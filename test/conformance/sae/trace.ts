import path from "node:path";
import { Tensor, Trainer } from "@saev/core";
import type { Outcome } from "../area.js";
import { factor, floor, largest, largestDifference, readJson, Tensors } from "./compare.js";

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

export async function* trace(folder: string, name: string): AsyncIterable<Outcome> {
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
