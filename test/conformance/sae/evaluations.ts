import path from "node:path";
import { DataLoad, parseConfig } from "@saev/config";
import {
  ActivationLoader,
  blendRows,
  evaluate,
  loadCheckpoint,
  MemoryLoader,
  meanActivation,
  meanSquaredErr,
  Tensor,
} from "@saev/core";
import type { Outcome } from "../area.js";
import { refused } from "./checkpoints.js";
import { floor, largest, largestDifference, readJson, Tensors } from "./compare.js";
import { counts } from "./head-trace.js";

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

export async function* evaluations(folder: string): AsyncIterable<Outcome> {
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

export async function* squaredErrors(folder: string): AsyncIterable<Outcome> {
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

export async function* biases(folder: string): AsyncIterable<Outcome> {
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
export async function* datapoints(folder: string): AsyncIterable<Outcome> {
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
