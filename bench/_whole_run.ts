import { availableParallelism } from "node:os";
import { type Pair, trainPairs } from "./_pairs.js";
import { sparseTruthStart } from "./_start.js";
import type { BenchResult } from "./result.js";

const [rows, dVit, dSae, steps] = [1024, 384, 3072, 3000];

/**
 * A whole run from random weights on data with a sparse ground truth: in the first hundreds of steps a large part of the latents
 * is active. Ours and PyTorch's steps in turn, so that other work slows both; the final losses, means of the last hundred
 * steps, must agree within 1 %. Takes about ten minutes on two cores, most of it the peer's; progress goes to standard error.
 */
export async function wholeRun(name: string, sparsityCoeff: number): Promise<BenchResult> {
  const start = sparseTruthStart(64 * rows, dVit, dSae, 4096, 20);
  const pairs: Pair[] = [];
  const bench = { name, rows, dVit, dSae, steps, start, sparsityCoeff, nLrWarmup: 500, turn: 20 };
  await trainPairs(
    bench,
    steps,
    (pair, step) => {
      pairs.push(pair);
      if ((step + 1) % 100 === 0)
        process.stderr.write(`step ${step + 1} of ${steps}: ${line(pairs.slice(-100))}\n`);
    },
    () => {},
  );
  const last = pairs.slice(-100);
  const [loss, peerLoss] = [mean(last, "loss"), mean(last, "peerLoss")];
  if (!(Math.abs(loss - peerLoss) <= 0.01 * peerLoss))
    throw new Error(`final losses ${loss} and ${peerLoss} differ by more than 1 %`);
  const [ours, peer] = [total(pairs, "ms"), total(pairs, "peerMs")];
  const [cpu, peerCpu] = [total(pairs, "cpuMs"), total(pairs, "peerCpuMs")];
  const stages = [0, 100, 200, 500, 1000, 2000, steps];
  return {
    name: bench.name,
    ours: ours / 1e3,
    peer: peer / 1e3,
    ratio: peer / ours,
    unit: "s",
    notes: [
      `B ${rows}, d_vit ${dVit}, d_sae ${dSae}, ${steps} steps, sparsity_coeff ${sparsityCoeff}, ${availableParallelism()} threads`,
      `CPU seconds: ours ${(cpu / 1e3).toFixed(1)}, peer ${(peerCpu / 1e3).toFixed(1)}, ratio ${(peerCpu / cpu).toFixed(2)}`,
      `final loss: ours ${loss.toFixed(5)}, peer ${peerLoss.toFixed(5)}, ${((100 * Math.abs(loss - peerLoss)) / peerLoss).toFixed(3)} % apart`,
      ...stages
        .slice(1)
        .map(
          (end, i) => `steps ${(stages[i] as number) + 1} to ${end}: ${line(pairs.slice(stages[i], end))}`,
        ),
    ],
  };
}

function line(pairs: readonly Pair[]): string {
  const [ours, peer] = [mean(pairs, "ms"), mean(pairs, "peerMs")];
  return (
    `${(100 * mean(pairs, "density")).toFixed(2)} % active, ours ${ours.toFixed(1)} ms, peer ${peer.toFixed(1)} ms, ` +
    `ratio ${(peer / ours).toFixed(2)}, losses ${mean(pairs, "loss").toFixed(4)} and ${mean(pairs, "peerLoss").toFixed(4)}`
  );
}

function total(pairs: readonly Pair[], key: keyof Omit<Pair, "phases" | "unscreened">): number {
  return pairs.reduce((sum, pair) => sum + pair[key], 0);
}

function mean(pairs: readonly Pair[], key: keyof Omit<Pair, "phases" | "unscreened">): number {
  return total(pairs, key) / pairs.length;
}
