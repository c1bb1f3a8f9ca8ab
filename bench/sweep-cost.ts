import { initialTensors, MemoryLoader, systemInfo, Tensor, Trainer } from "@saev/core";
import { median } from "./_median.js";
import type { BenchResult } from "./result.js";

const [rows, dVit, dSae] = [4096, 768, 6144];
const stepsOfOne = 2;
const rounds = 7;
const saes = 8;
const bEnc = -2.457;

/**
 * What eight SAEs on one pass cost beside one: `Trainer.run` on the same rows, which are read once for all. The peer is one SAE, times
 * eight; the ratio may not fall below 8 / 8.2. Processor seconds are compared, as other programs change the wall's, and both are said.
 */
export default async (): Promise<BenchResult> => {
  using x = Tensor.from(normals(2 * rows * dVit), [2 * rows, dVit]);
  using source = MemoryLoader.create(x);
  using one = trainerOf(1);
  using eight = trainerOf(saes);
  const costs = { one: [] as Cost[], eight: [] as Cost[] };
  for (let i = 0; i <= rounds; i++) {
    for (const [name, trainer] of Object.entries({ one, eight })) {
      const cost = await measured(trainer, source);
      if (i > 0) costs[name as keyof typeof costs].push(cost);
    }
  }
  const ratio = (of: keyof Cost) =>
    median(costs.eight.map((cost, i) => cost[of] / (costs.one[i] as Cost)[of]));
  const times = ratio("cpu");
  return {
    name: "sweep-cost",
    ours: median(costs.eight.map(({ cpu }) => cpu)),
    peer: saes * median(costs.one.map(({ cpu }) => cpu)),
    ratio: saes / times,
    unit: "ms of processors/step",
    notes: [
      `${saes} SAEs cost ${times.toFixed(2)} × one in processor time (at most 8.2 × is asked), ${ratio("wall").toFixed(2)} × on the wall`,
      `a step of one: ${median(costs.one.map(({ wall }) => wall)).toFixed(0)} ms, of eight ${median(costs.eight.map(({ wall }) => wall)).toFixed(0)} ms; ` +
        `both cores busy ${(100 * median(costs.eight.map(({ cpu, wall }) => cpu / wall / systemInfo().threads))).toFixed(0)} %`,
      `B ${rows}, d_vit ${dVit}, d_sae ${dSae}, about 0.7 % of latents active, level ${systemInfo().level}, rows in memory; \`npm run bench -- loader\` times reading`,
    ],
  };
};

interface Cost {
  /** Milliseconds a step. */
  readonly wall: number;
  readonly cpu: number;
}

async function measured(trainer: Trainer, source: MemoryLoader): Promise<Cost> {
  const steps = trainer.steps;
  const before = process.cpuUsage();
  const begin = performance.now();
  await trainer.run(source, { batchSize: rows, nPatches: stepsOfOne * rows - 1 });
  const wall = performance.now() - begin;
  const { user, system } = process.cpuUsage(before);
  const n = trainer.steps - steps;
  return { wall: wall / n, cpu: (user + system) / 1e3 / n };
}

function trainerOf(n: number): Trainer {
  const trainer = Trainer.create(dVit);
  for (let seed = 0; seed < n; seed++) {
    const start = initialTensors(dVit, dSae, { tied: true, seed });
    // Rows of unit norm on standard normal x: pre-activations are standard normal but for the bias.
    trainer.add(
      { ...start, bEnc: Tensor.from(new Float32Array(dSae).fill(bEnc)) },
      { lr: 1e-6, sparsityCoeff: 0 },
    );
    for (const tensor of [start.wEnc, start.wDec]) tensor.dispose();
  }
  return trainer;
}

function normals(n: number): Float32Array {
  let state = 7;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
