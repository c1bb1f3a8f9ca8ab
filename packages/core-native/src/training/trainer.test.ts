import { expect, test } from "vitest";
import { evaluate } from "../evaluation/evaluate.js";
import { MemoryLoader } from "../loading/batch-source.js";
import { systemInfo } from "../system.js";
import { Tensor } from "../tensor.js";
import { initialTensors, meanActivation } from "./initial-tensors.js";
import { plannedBatches, warmup } from "./plan.js";
import { Trainer, type TrainLog } from "./trainer.js";

const dVit = 8;
const numbers = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(i * i * 0.37 + seed));
const rows = (n: number, seed = 1) => Tensor.from(numbers(n * dVit, seed), [n, dVit]);

function trainerOf(dSae = 32): Trainer {
  const trainer = Trainer.create(dVit);
  trainer.add(initialTensors(dVit, dSae, { seed: 0 }), {
    lr: 1e-3,
    nLrWarmup: 3,
    sparsityCoeff: 1e-2,
    nSparsityWarmup: 4,
  });
  return trainer;
}

test("a run logs every SAE as it goes, warm-ups included, and counts as planned", async () => {
  using source = MemoryLoader.create(rows(100));
  using trainer = trainerOf();
  trainer.add(initialTensors(dVit, 16, { seed: 1 }), { nSparsityWarmup: 4, legacySparsityWarmup: true });
  const log: TrainLog[] = [];
  let last = { done: 0, total: 0 };
  const { steps, ended } = await trainer.run(source, {
    batchSize: 30,
    nPatches: 200,
    logEvery: 1,
    onLog: (entry) => log.push(entry),
    onProgress: (p) => {
      last = p;
    },
  });
  const planned = plannedBatches(100, 30, 200);
  expect(ended).toBe(true);
  expect(steps).toBe(planned.length);
  expect(last).toEqual({ done: steps, total: steps });
  const first = log.filter((e) => e.sae === 0);
  expect(first.map((e) => e.rows)).toEqual(planned);
  expect(first.map((e) => e.lr)).toEqual(planned.map((_, i) => warmup(0, 1e-3, 3, i + 1)));
  expect(first.map((e) => e.sparsityCoeff)).toEqual(planned.map((_, i) => warmup(0, 1e-2, 4, i + 1)));
  const second = log.filter((e) => e.sae === 1);
  expect(second).toHaveLength(steps);
  expect(new Set(second.map((e) => e.sparsityCoeff))).toEqual(new Set([4e-4]));
});

test("a NaN stops the run, named by step and SAE; the SAE stays as it was", async () => {
  const data = numbers(60 * dVit, 3);
  data[45 * dVit] = Number.NaN;
  using source = MemoryLoader.create(Tensor.from(data, [60, dVit]));
  using trainer = trainerOf();
  const run = trainer.run(source, { batchSize: 20, nPatches: 1000 });
  await expect(run).rejects.toMatchObject({ code: "NUMERIC" });
  await expect(run).rejects.toThrow(/step 3: the loss of SAE 0/);
  expect(trainer.steps).toBe(2);
  expect(trainer.tensors(0).wEnc.toFloat32Array().every(Number.isFinite)).toBe(true);
});

test("an aborted run rejects with the reason and can go on", async () => {
  using source = MemoryLoader.create(rows(100));
  using trainer = trainerOf();
  const controller = new AbortController();
  const run = trainer.run(source, {
    batchSize: 10,
    nPatches: 100_000_000,
    logEvery: 1,
    signal: controller.signal,
    onLog: () => controller.abort("enough"),
  });
  await expect(run).rejects.toBe("enough");
  const done = trainer.steps;
  expect(done).toBeGreaterThan(0);
  await trainer.step(rows(10));
  expect(trainer.steps).toBe(done + 1);
});

test("one call at a time, and only what fits", async () => {
  using source = MemoryLoader.create(rows(100));
  using trainer = trainerOf();
  const controller = new AbortController();
  const run = trainer.run(source, {
    batchSize: 10,
    nPatches: 100_000_000,
    signal: controller.signal,
    onProgress: () => {
      expect(() => trainer.tensors(0)).toThrow(/another call/);
      controller.abort();
    },
  });
  await expect(run).rejects.toThrow(/abort/);
  await expect(trainer.step(Tensor.from(numbers(9, 1), [1, 9]))).rejects.toMatchObject({
    code: "SHAPE_MISMATCH",
  });
  await expect(trainer.step(Tensor.from(new Float32Array(0), [0, dVit]))).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(() => trainer.add(initialTensors(9, 18))).toThrow(/width 8/);
  expect(() => trainer.add(initialTensors(dVit, 16), { lr: Number.NaN })).toThrow(/lr/);
  expect(() => trainer.tensors(1)).toThrow(/below 1/);
  expect(() => initialTensors(0, 5)).toThrow(/d_vit/);
  using empty = Trainer.create(dVit);
  await expect(empty.run(source, { batchSize: 1, nPatches: 1 })).rejects.toThrow(/no SAE/);
});

test("evaluation agrees with the sums it stands for", async () => {
  const n = 50;
  const data = numbers(n * dVit, 5).map((v) => v + 3);
  using source = MemoryLoader.create(Tensor.from(data, [n, dVit]));
  using mean = await meanActivation(source, n);
  source.reset();
  using trainer = Trainer.create(dVit);
  trainer.add(initialTensors(dVit, 40, { seed: 2, bDec: mean }));
  using sae = trainer.sae(0);
  const found = await evaluate(sae, source, { batchSize: 16 });
  using x = Tensor.from(data, [n, dVit]);
  using latents = await sae.encode(x);
  const f = latents.toDense();
  const xHat = (await sae.decode(latents)).toFloat32Array();
  const mu = mean.toFloat32Array();
  let error = 0;
  let spread = 0;
  let size = 0;
  for (let i = 0; i < n * dVit; i++) {
    error += (xHat[i]! - data[i]!) ** 2;
    spread += (data[i]! - mu[i % dVit]!) ** 2;
    size += data[i]! ** 2;
  }
  expect(found.nRows).toBe(n);
  expect(found.mse).toBeCloseTo(error / (n * dVit), 5);
  expect(found.l0).toBeCloseTo(latents.nnz / n, 10);
  expect(found.l1).toBeCloseTo(f.reduce((a, b) => a + b, 0) / n, 4);
  expect(found.explainedVariance).toBeCloseTo(1 - error / spread, 5);
  expect(found.normalizedMse).toBeCloseTo(error / size, 5);
  const freqs = found.freqs.toFloat32Array();
  const means = found.meanValues.toFloat32Array();
  for (let j = 0; j < 40; j++) {
    const fired = Array.from({ length: n }, (_, r) => f[r * 40 + j]!).filter((v) => v > 0);
    expect(freqs[j]).toBeCloseTo(fired.length / n, 6);
    if (fired.length === 0) expect(means[j]).toBeNaN();
    else expect(means[j]).toBeCloseTo(fired.reduce((a, b) => a + b, 0) / fired.length, 4);
  }
});

test("an encoder that multiplies bfloat16 trains where the CPU can, and is refused with what it needs where not", async () => {
  const start = () => ({
    wEnc: Tensor.from(
      Float32Array.from({ length: 16 * 32 }, (_, i) => Math.sin(i)),
      [16, 32],
    ),
    bEnc: Tensor.from(new Float32Array(32)),
    wDec: Tensor.from(
      Float32Array.from({ length: 32 * 16 }, (_, i) => Math.cos(i)),
      [32, 16],
    ),
    bDec: Tensor.from(new Float32Array(16)),
  });
  using trainer = Trainer.create(16);
  const { level, cpuFeatures } = systemInfo();
  if (level === "plain" || (level === "avx512" && cpuFeatures.includes("avx512_bf16"))) {
    trainer.add(start(), { encoderPrecision: "bfloat16" });
    using x = Tensor.from(
      Float32Array.from({ length: 8 * 16 }, (_, i) => Math.sin(3 * i)),
      [8, 16],
    );
    expect((await trainer.step(x)).saes[0]!.loss).toBeGreaterThan(0);
  } else {
    expect(() => trainer.add(start(), { encoderPrecision: "bfloat16" })).toThrow(
      /bfloat16 need a CPU with AVX512-BF16 or AMX.*ask for float32/,
    );
  }
  expect(() => trainer.add(start(), { encoderPrecision: "half" as "bfloat16" })).toThrow(
    /encoderPrecision: expected one of float32, bfloat16/,
  );
});

test("screening says how many products it left to float32, changes no bits, and is auto or off", async () => {
  const [width, dSae, n] = [64, 256, 96];
  // Numbers that look random: few of the pre-activations, about normal, exceed 2.5 times their deviation.
  const random = (count: number, seed: number) =>
    Float32Array.from({ length: count }, (_, i) => ((Math.sin((i + seed) * 12.9898) * 43758.5453) % 1) * 1.7);
  const start = () => ({
    wEnc: Tensor.from(
      random(width * dSae, 1).map((w) => w / 8),
      [width, dSae],
    ),
    bEnc: Tensor.from(new Float32Array(dSae).fill(-2.5)),
    wDec: Tensor.from(random(width * dSae, 5), [dSae, width]),
    bDec: Tensor.from(new Float32Array(width)),
  });
  using x = Tensor.from(random(n * width, 9), [n, width]);
  const weights: Float32Array[] = [];
  for (const screening of ["auto", "off"] as const) {
    using trainer = Trainer.create(width);
    trainer.add(start(), { nLrWarmup: 1, screening });
    const screened: number[] = [];
    for (let i = 0; i < 3; i++) screened.push((await trainer.step(x)).saes[0]!.screened);
    // The first step does not know how many latents are active.
    expect(screened[0]).toBe(-1);
    if (screening === "off") expect(screened).toEqual([-1, -1, -1]);
    else for (const value of screened.slice(1)) expect(value === -1 || (value > 0 && value < 0.3)).toBe(true);
    weights.push(trainer.tensors(0).wEnc.toFloat32Array());
  }
  expect(weights[0]).toEqual(weights[1]);
  using trainer = Trainer.create(width);
  expect(() => trainer.add(start(), { screening: "maybe" as "off" })).toThrow(
    /screening: expected one of auto, off/,
  );
});
