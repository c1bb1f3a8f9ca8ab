/** Our training step beside plain PyTorch's: timed in turn, results compared. */
import { availableParallelism } from "node:os";
import { systemInfo } from "@saev/core";
import { compareParameters } from "./_compare.js";
import { compareKept, keptByOurs, keptByPeer } from "./_kept.js";
import { median } from "./_median.js";
import { lr, type OurStep, type Pair, type Sides, type TrainBench, trainPairs } from "./_pairs.js";
import type { BenchResult } from "./result.js";

export async function benchTrain(bench: TrainBench): Promise<BenchResult[]> {
  const pairs: Pair[] = [];
  const made = bench.steps + 1;
  let agreement = "";
  const half = bench.encoderPrecision === "bfloat16";
  let largest = 0;
  const edge = bench.kind === "batch-top-k" ? new EdgeComparison(bench) : undefined;
  await trainPairs(
    bench,
    made,
    async (pair, step, sides) => {
      const off = Math.abs(pair.loss - pair.peerLoss) / pair.peerLoss;
      largest = Math.max(largest, off);
      // bfloat16 keeps eight bits of each number.
      if (!(off <= (half ? 0.01 : 1e-5)))
        throw new Error(`losses ${pair.loss} and ${pair.peerLoss}: the two do not do the same work`);
      if (step > 0) pairs.push(pair);
      if (edge) agreement = (await edge.after(step, pair, sides)) ?? agreement;
    },
    async ({ trainer, peer, folder }) => {
      if (edge) return;
      if (half) {
        agreement = `encoder in bfloat16: losses within ${largest.toExponential(1)} of float32's`;
        return;
      }
      await peer.ask("save");
      agreement = compareParameters(trainer, folder, lr * made);
    },
  );
  if (!bench.unscreened) return [resultOf(bench, pairs, agreement)];
  const off = pairs.map((pair) => ({ ...pair, ...(pair.unscreened as OurStep) }));
  return [
    resultOf(bench, pairs, agreement),
    { ...resultOf(bench, off, "losses are the same to the bit as with screening"), variant: "screening off" },
  ];
}

/**
 * Of BatchTopK, where the last bits of a product decide which pairs are kept at the edge. The first step has the learning rate 0, so
 * both begin the first two with the same parameters and keep the same pairs in both: these are compared after the first step, and the
 * parameters after the second, without the latents that share a row with a pair that differs: their gradients are not the same.
 * Later steps begin with parameters that are not the same either; their losses, thresholds and norms are compared.
 */
class EdgeComparison {
  #kept: ReturnType<typeof compareKept> | undefined;

  constructor(private readonly bench: TrainBench) {}

  async after(
    step: number,
    pair: Pair,
    { trainer, peer, folder, start, batch }: Sides,
  ): Promise<string | undefined> {
    const { dVit, dSae, rows, topK = 32 } = this.bench;
    if (step === 0) {
      const ours = await keptByOurs(trainer, batch, pair.threshold, topK);
      await peer.ask("kept");
      this.#kept = compareKept(ours, keptByPeer(folder), start, { rows, dVit, dSae, topK });
    }
    if (step !== 1 || !this.#kept) return undefined;
    await peer.ask("save");
    const { pairs, latents } = this.#kept;
    return (
      `${pairs} kept pairs differ of ${topK * rows} on each side, all within rounding of the edge; without the ${latents.size} latents of their rows, ` +
      `after the first step that moves weights: ${compareParameters(trainer, folder, lr, latents, 1e-5)}`
    );
  }
}

function resultOf(bench: TrainBench, pairs: readonly Pair[], agreement: string): BenchResult {
  const { rows, dVit, dSae } = bench;
  const gflop = (2 * rows * dVit * dSae) / 1e9;
  const of = (key: keyof Omit<Pair, "phases" | "unscreened">) => median(pairs.map((pair) => pair[key]));
  const phase = (name: string) => median(pairs.map((pair) => pair.phases[name] as number));
  const density = 100 * (pairs.at(-1) as Pair).density;
  return {
    name: bench.name,
    ours: of("ms"),
    peer: of("peerMs"),
    ratio: median(pairs.map((pair) => pair.peerMs / pair.ms)),
    unit: "ms/step",
    notes: [
      `B ${rows}, d_vit ${dVit}, d_sae ${dSae}, ${density.toFixed(2)} % of latents active, ${availableParallelism()} threads, level ${systemInfo().level}`,
      `CPU seconds a step: ours ${(of("cpuMs") / 1e3).toFixed(3)}, peer ${(of("peerCpuMs") / 1e3).toFixed(3)}, ratio ${median(pairs.map((pair) => pair.peerCpuMs / pair.cpuMs)).toFixed(2)}; ` +
        `cores busy in our step ${busy(pairs).toFixed(0)} %`,
      `ours by phase, ms: ${Object.keys((pairs[0] as Pair).phases)
        .map((name) => `${name} ${phase(name).toFixed(1)}`)
        .join(", ")} (the last four within backward)`,
      `encoder product: ${gflop.toFixed(1)} GFLOP, ${(gflop / (phase("encode") / 1e3)).toFixed(0)} GFLOP/s`,
      agreement,
    ],
  };
}

/** CPU time of our steps over wall time of all cores, in per cent. */
function busy(pairs: readonly Pair[]): number {
  const share = pairs.map((pair) => pair.cpuMs / (pair.ms * availableParallelism()));
  return 100 * median(share);
}
