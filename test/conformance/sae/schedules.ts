import { drawPrefixes, plannedBatches, warmup, warmupCosine } from "@saev/core";
import type { Outcome } from "../area.js";
import { largestDifference, readJson } from "./compare.js";

interface LimiterCase {
  readonly n_rows: number;
  readonly batch_size: number;
  readonly n_samples: number;
  readonly drop_last: boolean;
  readonly never_ends: boolean;
  readonly batch_sizes: readonly number[];
}

export function* limiter(folder: string): Iterable<Outcome> {
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

export function* schedules(folder: string): Iterable<Outcome> {
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

export function* cosineSchedules(folder: string): Iterable<Outcome> {
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
export function* prefixes(folder: string): Iterable<Outcome> {
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
