import { drawPrefixes, initialTensors, type SaeTraining, systemInfo, Tensor, Trainer } from "@saev/core";
import { median } from "./_median.js";
import type { BenchResult } from "./result.js";

const [rows, dVit, dSae, steps] = [4096, 768, 6144, 9];
const bEnc = -2.457;

/**
 * What nested prefixes cost: a step of a sparse Matryoshka SAE beside a Vanilla one from the same weights on the same rows.
 * The peer is our own Vanilla step; the ratio may not fall below 1 / 1.3.
 */
export default async (): Promise<BenchResult> => {
  using x = Tensor.from(normals(rows * dVit), [rows, dVit]);
  using vanilla = trainerOf({});
  using matryoshka = trainerOf({ matryoshka: { nPrefixes: 10 } });
  using one = trainerOf({ matryoshka: { nPrefixes: 1 } });
  const times = { vanilla: [] as number[], matryoshka: [] as number[], one: [] as number[] };
  let density = 0;
  for (let i = 0; i <= steps; i++) {
    for (const [name, trainer] of Object.entries({ vanilla, matryoshka, one })) {
      const begin = performance.now();
      const { saes } = await trainer.step(x);
      if (i > 0) times[name as keyof typeof times].push(performance.now() - begin);
      density = saes[0]?.density ?? Number.NaN;
    }
  }
  const ratios = times.vanilla.map((t, i) => t / (times.matryoshka[i] as number));
  return {
    name: "matryoshka-cost",
    ours: median(times.matryoshka),
    peer: median(times.vanilla),
    ratio: median(ratios),
    unit: "ms/step",
    notes: [
      `10 prefixes against the whole alone: ${(1 / median(ratios)).toFixed(2)} × (at most 1.3 × is asked); one prefix ${(
        median(times.one) / median(times.vanilla)
      ).toFixed(2)} ×`,
      `B ${rows}, d_vit ${dVit}, d_sae ${dSae}, ${(100 * density).toFixed(2)} % of latents active, level ${systemInfo().level}, ` +
        `prefixes of step 2: ${drawPrefixes(dSae, 10, { step: 2 }).join(", ")}`,
    ],
  };
};

function trainerOf(training: SaeTraining): Trainer {
  const trainer = Trainer.create(dVit);
  const start = initialTensors(dVit, dSae, { tied: true });
  // Rows of unit norm on standard normal x: pre-activations are standard normal but for the bias.
  trainer.add({ ...start, bEnc: Tensor.from(new Float32Array(dSae).fill(bEnc)) }, training);
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
