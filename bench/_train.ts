/** Our training step beside plain PyTorch's: same rows, same start, steps in turn, results compared. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { drawPrefixes, type SaeTraining, systemInfo, Tensor, Trainer } from "@saev/core";
import { compareParameters } from "./_compare.js";
import { compareKept, keptByOurs, keptByPeer } from "./_kept.js";
import { normalStart, type Start } from "./_start.js";
import { Peer } from "./peers/peer.js";
import type { BenchResult } from "./result.js";

export interface TrainBench {
  readonly name: string;
  readonly rows: number;
  readonly dVit: number;
  readonly dSae: number;
  /** Steps timed, after one that is not. */
  readonly steps: number;
  /** b_enc of every latent. Pre-activations are standard normal without it, so it sets the density. Default 0. */
  readonly bEnc?: number | Float32Array;
  /** Default: normal rows and `bEnc`. */
  readonly start?: Start;
  /** Default `relu`, as the Python package of June 2025 trains it; with others or prefixes as that of March 2026 does. */
  readonly kind?: "relu" | "top-k" | "batch-top-k";
  readonly topK?: number;
  /** Prefixes of each step; default: the whole alone. */
  readonly nPrefixes?: number;
  /** Default: the package's 4e-4; 0 for kinds that have none. */
  readonly sparsityCoeff?: number;
  /** Steps over which the learning rate rises. Default 1: it is 0 in the first step only. */
  readonly nLrWarmup?: number;
  /** Also time ours with screening off in each step, as a result of its own. */
  readonly unscreened?: boolean;
  /** What our encoder multiplies; the peer stays at float32, so that losses say what bfloat16 costs. Default `float32`. */
  readonly encoderPrecision?: "float32" | "bfloat16";
}

/** One step of both. */
export interface Pair {
  readonly ms: number;
  readonly cpuMs: number;
  readonly peerMs: number;
  readonly peerCpuMs: number;
  readonly loss: number;
  readonly peerLoss: number;
  readonly density: number;
  /** Ours, of BatchTopK. */
  readonly threshold: number;
  /** Milliseconds of ours by phase. */
  readonly phases: Readonly<Record<string, number>>;
  /** The same step with screening off, where the benchmark asks for it. */
  readonly unscreened?: OurStep;
}

/** One step of ours. */
interface OurStep {
  readonly ms: number;
  readonly cpuMs: number;
  readonly loss: number;
  readonly density: number;
  readonly phases: Readonly<Record<string, number>>;
}

interface PeerStep {
  readonly ms: number;
  readonly cpu_ms: number;
  readonly loss: number;
  readonly threshold?: number;
  readonly grad_norm?: number;
}

const lr = 4e-4;

/** Both sides between two steps. */
export interface Sides {
  readonly trainer: Trainer;
  readonly peer: Peer;
  /** Where the peer writes. */
  readonly folder: string;
  readonly start: Start;
  /** The first batch. */
  readonly batch: Tensor;
}

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

/** Makes `steps` steps of both, the peer first in each. Then `onEnd` sees both. */
export async function trainPairs<T>(
  bench: TrainBench,
  steps: number,
  onPair: (pair: Pair, step: number, sides: Sides) => void | Promise<void>,
  onEnd: (sides: Sides) => T | Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-"));
  try {
    return await run(bench, steps, folder, onPair, onEnd);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run<T>(
  bench: TrainBench,
  steps: number,
  folder: string,
  onPair: (pair: Pair, step: number, sides: Sides) => void | Promise<void>,
  onEnd: (sides: Sides) => T | Promise<T>,
): Promise<T> {
  const {
    rows,
    dVit,
    dSae,
    kind = "relu",
    topK = 32,
    nPrefixes = 1,
    nLrWarmup = 1,
    sparsityCoeff = 4e-4,
  } = bench;
  const as2026 = kind !== "relu" || nPrefixes > 1;
  const start = bench.start ?? normalStart(rows, dVit, dSae, bench.bEnc ?? 0);
  const prefixes =
    nPrefixes > 1
      ? Array.from({ length: steps }, (_, step) =>
          drawPrefixes(dSae, nPrefixes, { draw: "python-package", step: step + 1 }),
        )
      : null;
  for (const [name, values] of Object.entries(start)) writeFileSync(path.join(folder, `${name}.bin`), values);
  writeFileSync(
    path.join(folder, "setup.json"),
    JSON.stringify({
      rows,
      d_vit: dVit,
      d_sae: dSae,
      lr,
      n_lr_warmup: nLrWarmup,
      sparsity_coeff: sparsityCoeff,
      threads: availableParallelism(),
      kind,
      top_k: topK,
      prefixes,
    }),
  );
  using peer = new Peer(as2026 ? "train_2026.py" : "train.py", [folder]);
  using trainer = Trainer.create(dVit);
  using plain = bench.unscreened ? Trainer.create(dVit) : null;
  const training: SaeTraining = {
    lr,
    nLrWarmup,
    sparsityCoeff: kind === "relu" ? sparsityCoeff : 0,
    ...(as2026 && { input: "raw", gradClip: 1, deadThresholdTokens: 10_000_000 }),
    ...(kind !== "relu" && { activation: { kind, topK, relu: false }, auxK: { form: "python-package" } }),
  };
  for (const [ours, screening] of [
    [trainer, "auto"],
    [plain, "off"],
  ] as const) {
    ours?.add(
      {
        wEnc: Tensor.from(start.W_enc, [dVit, dSae]),
        bEnc: Tensor.from(start.b_enc),
        wDec: Tensor.from(start.W_dec, [dSae, dVit]),
        bDec: Tensor.from(start.b_dec),
      },
      { ...training, screening, encoderPrecision: bench.encoderPrecision ?? "float32" },
    );
  }
  const batches = Array.from({ length: start.x.length / (rows * dVit) }, (_, i) =>
    Tensor.from(start.x.subarray(i * rows * dVit, (i + 1) * rows * dVit), [rows, dVit]),
  );
  const sides: Sides = { trainer, peer, folder, start, batch: batches[0] as Tensor };
  for (let step = 0; step < steps; step++) {
    const theirs = JSON.parse(await peer.ask("step")) as PeerStep;
    const batch = batches[step % batches.length] as Tensor;
    const options = { prefixes: prefixes?.[step] ?? [] };
    const { sae, ...ours } = await timedStep(trainer, batch, options);
    const unscreened = plain && (await timedStep(plain, batch, options));
    if (unscreened && unscreened.loss !== ours.loss)
      throw new Error(
        `losses ${ours.loss} with and ${unscreened.loss} without screening: they must have the same bits`,
      );
    agree("threshold", sae.threshold, theirs.threshold, 1e-4);
    // PyTorch adds millions of squares up in float32.
    agree("norm of the gradients", sae.gradNorm, theirs.grad_norm, 1e-3);
    await onPair(
      {
        ...ours,
        threshold: sae.threshold,
        peerMs: theirs.ms,
        peerCpuMs: theirs.cpu_ms,
        peerLoss: theirs.loss,
        ...(unscreened && { unscreened }),
      },
      step,
      sides,
    );
  }
  const end = await onEnd(sides);
  for (const batch of batches) batch.dispose();
  return end;
}

async function timedStep(trainer: Trainer, batch: Tensor, options: { readonly prefixes: readonly number[] }) {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const { saes, times } = await trainer.step(batch, options);
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  const [sae] = saes;
  if (!sae) throw new Error("no figures");
  return {
    sae,
    ms,
    cpuMs: (user + system) / 1e3,
    loss: sae.loss,
    density: sae.density,
    phases: { ...times },
  };
}

function agree(what: string, ours: number, theirs: number | undefined, tolerance: number): void {
  if (theirs !== undefined && Math.abs(ours - theirs) > tolerance * Math.abs(theirs))
    throw new Error(`${what}: ours ${ours}, the peer's ${theirs}`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
