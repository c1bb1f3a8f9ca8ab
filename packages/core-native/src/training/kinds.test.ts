import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { python, runPython } from "../io/python.test-util.js";
import type { Activation } from "../sae/activation.js";
import { Tensor } from "../tensor.js";
import { learningRate, warmup } from "./plan.js";
import type { SaeTraining } from "./sae-training.js";
import { Trainer } from "./trainer.js";

const [rows, dVit, dSae, steps] = [64, 12, 40, 8];
const prefixes = [1, 8, 9, 20, dSae];
const top = (kind: "top-k" | "batch-top-k", relu: boolean): Activation => ({ kind, topK: 5, relu });
const aux = (form: "published" | "python-package"): SaeTraining => ({
  auxK: { kAux: 3, alpha: 0.1, form },
  deadThresholdTokens: 100,
});

/** Every kind and objective, and every form of them that was published. */
const cases: Readonly<Record<string, SaeTraining>> = {
  relu: { nSparsityWarmup: 4 },
  "relu, tanh": { penalty: "tanh-l0" },
  "relu, raw, prefixes, clipped, cosine": {
    input: "raw",
    matryoshka: { prefixes },
    gradClip: 0.02,
    schedule: { decay: "cosine", nSteps: steps },
  },
  "relu, adamw, linear": { weightDecay: 0.5, schedule: { decay: "linear", nSteps: steps } },
  "top-k": { activation: top("top-k", true), ...aux("published") },
  "top-k, python package": { activation: top("top-k", false), input: "raw", ...aux("python-package") },
  "top-k, prefixes, muon": {
    activation: top("top-k", true),
    matryoshka: { prefixes },
    optimizer: "muon",
    weightDecay: 0.1,
  },
  "batch-top-k": { activation: top("batch-top-k", true), ...aux("published") },
  "batch-top-k, python package, prefixes": {
    activation: top("batch-top-k", false),
    input: "raw",
    matryoshka: { prefixes },
    ...aux("python-package"),
  },
  "jump-relu": { activation: { kind: "jump-relu" }, bandwidth: 0.3 },
  "jump-relu, tanh, prefixes, clipped": {
    activation: { kind: "jump-relu" },
    bandwidth: 0.3,
    penalty: "tanh-l0",
    nSparsityWarmup: 3,
    matryoshka: { prefixes },
    gradClip: 0.05,
  },
  gated: { activation: { kind: "gated" } },
  "gated, raw, prefixes": { activation: { kind: "gated" }, input: "raw", matryoshka: { prefixes } },
  "gated, muon, clipped": { activation: { kind: "gated" }, optimizer: "muon", gradClip: 0.05 },
};

const [lr, sparsityCoeff, nLrWarmup] = [2e-3, 3e-3, 1];

/** Standard normal numbers. */
function normals(n: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

const names = {
  wEnc: "W_enc",
  bEnc: "b_enc",
  wDec: "W_dec",
  bDec: "b_dec",
  threshold: "threshold",
  rMag: "r_mag",
  bMag: "b_mag",
} as const;
type Name = keyof typeof names;
const own: Readonly<Record<string, readonly Name[]>> = {
  "jump-relu": ["threshold"],
  gated: ["rMag", "bMag"],
};

const start: Readonly<Record<Name, Float32Array>> = {
  wEnc: normals(dVit * dSae, 1).map((v) => v / Math.sqrt(dVit)),
  // A few that never fire of themselves.
  bEnc: normals(dSae, 2).map((v, j) => (j % 9 === 0 ? -30 : 0.2 * v)),
  wDec: normals(dSae * dVit, 3),
  bDec: normals(dVit, 4).map((v) => 0.1 * v),
  threshold: normals(dSae, 5).map((v) => 0.2 + 0.02 * v),
  rMag: normals(dSae, 6).map((v) => 0.2 * v),
  bMag: normals(dSae, 7).map((v) => 0.2 * v),
};
const shapes: Readonly<Partial<Record<Name, number[]>>> = { wEnc: [dVit, dSae], wDec: [dSae, dVit] };
const tensorOf = (name: Name) => Tensor.from(start[name], shapes[name] ?? [start[name].length]);
const x = normals(steps * rows * dVit, 8);

/** The same case in the words of torch_sae.py. */
function forPython(name: string, training: SaeTraining): object {
  const activation = training.activation ?? { kind: "relu" };
  const at = (t: number) => ({
    lr: learningRate({ peak: lr, nWarmup: nLrWarmup, ...training.schedule }, t + 1),
    coeff: training.nSparsityWarmup
      ? warmup(0, sparsityCoeff, training.nSparsityWarmup, t + 1)
      : "topK" in activation
        ? 0
        : sparsityCoeff,
  });
  const schedule = Array.from({ length: steps }, (_, t) => at(t));
  return {
    name: name.replaceAll(/\W+/g, "-"),
    ...activation,
    ...("topK" in activation && { top_k: activation.topK }),
    centred: training.input !== "raw",
    prefixes: training.matryoshka?.prefixes ?? null,
    penalty: training.penalty ?? (activation.kind === "jump-relu" ? "l0" : "l1"),
    tanh_scale: 4,
    bandwidth: training.bandwidth,
    grad_clip: training.gradClip ?? 0,
    optimizer: training.optimizer ?? "adam",
    weight_decay: training.weightDecay ?? 0,
    k_aux: training.auxK?.kAux ?? 0,
    alpha: training.auxK?.alpha,
    aux_form: training.auxK?.form,
    ...(training.deadThresholdTokens && { dead_threshold: training.deadThresholdTokens }),
    lrs: schedule.map((s) => s.lr),
    coeffs: schedule.map((s) => s.coeff),
  };
}

async function ours(training: SaeTraining) {
  const kind = training.activation?.kind ?? "relu";
  const used: Name[] = ["wEnc", "bEnc", "wDec", "bDec", ...(own[kind] ?? [])];
  const parameters = Object.fromEntries(used.map((name) => [name, tensorOf(name)]));
  using trainer = Trainer.create(dVit);
  trainer.add(parameters as never, {
    lr,
    nLrWarmup,
    sparsityCoeff: kind.endsWith("top-k") ? 0 : sparsityCoeff,
    ...training,
  });
  const losses: number[] = [];
  let threshold = 0;
  for (let t = 0; t < steps; t++) {
    const { saes } = await trainer.step(
      Tensor.from(x.subarray(t * rows * dVit, (t + 1) * rows * dVit), [rows, dVit]),
    );
    losses.push(saes[0]!.loss);
    threshold = saes[0]!.threshold;
  }
  const after = trainer.tensors(0);
  return { used, losses, threshold, after: (name: Name) => after[name]!.toFloat32Array() };
}

const largest = (v: ArrayLike<number>) => Array.from(v).reduce((m, e) => Math.max(m, Math.abs(e)), 0);
const apart = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  largest(Array.from(a, (e, i) => e - (b[i] as number)));

test.skipIf(python === undefined)(
  "every kind trains step by step as plain PyTorch does",
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "saev-torch-"));
    try {
      for (const [name, values] of Object.entries({ ...start, x }))
        writeFileSync(path.join(folder, `${names[name as Name] ?? name}.bin`), values);
      const setup = {
        rows,
        d_vit: dVit,
        d_sae: dSae,
        steps,
        cases: Object.entries(cases).map(([name, training]) => forPython(name, training)),
      };
      writeFileSync(path.join(folder, "cases.json"), JSON.stringify(setup));
      const program = readFileSync(path.join(import.meta.dirname, "testing", "torch_sae.py"), "utf8");
      const theirs = JSON.parse(runPython(program, folder)) as Record<
        string,
        { losses: number[]; threshold: number }
      >;
      const read = (file: string) => {
        const bytes = readFileSync(path.join(folder, `${file}.bin`));
        return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      };
      for (const [name, training] of Object.entries(cases)) {
        const { used, losses, threshold, after } = await ours(training);
        const key = name.replaceAll(/\W+/g, "-");
        // Ten times what PyTorch's own float32 is off, and never less than 1e-6 of the largest value.
        const close = (
          what: string,
          mine: ArrayLike<number>,
          f32: ArrayLike<number>,
          f64: ArrayLike<number>,
        ) =>
          expect(apart(mine, f64), `${name}: ${what}`).toBeLessThanOrEqual(
            Math.max(10 * apart(f32, f64), 1e-6 * largest(f64)),
          );
        const [single, double] = [theirs[`${key}.float32`]!, theirs[`${key}.float64`]!];
        close("loss", losses, single.losses, double.losses);
        close("threshold", [threshold], [single.threshold], [double.threshold]);
        for (const n of used)
          close(n, after(n), read(`${key}.float32.${names[n]}`), read(`${key}.float64.${names[n]}`));
        for (const n of used) expect(apart(after(n), start[n]), `${name}: ${n} moved`).toBeGreaterThan(1e-4);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  60_000,
);
