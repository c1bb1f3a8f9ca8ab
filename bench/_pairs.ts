/** Steps of our training and of plain PyTorch's, on the same rows and from the same start, in turn. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { drawPrefixes, type SaeTraining, Tensor, Trainer } from "@saev/core";
import { normalStart, type Start } from "./_start.js";
import { Peer } from "./peers/peer.js";

export interface TrainBench {
  readonly name: string;
  readonly rows: number;
  readonly dVit: number;
  readonly dSae: number;
  /** Steps timed, after one that is not. */
  readonly steps: number;
  /**
   * Steps that each side makes in a row before it is the other's turn. Default 1. Short steps need more: the first of a turn finds
   * the caches full of the other's data, and a core still taken by its threads, which look for work some milliseconds longer.
   */
  readonly turn?: number;
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

/** One step of ours. */
export interface OurStep {
  readonly ms: number;
  readonly cpuMs: number;
  readonly loss: number;
  readonly density: number;
  /** Of BatchTopK. */
  readonly threshold: number;
  readonly gradNorm: number;
  /** Milliseconds by phase. */
  readonly phases: Readonly<Record<string, number>>;
}

/** One step of both. */
export interface Pair extends OurStep {
  readonly peerMs: number;
  readonly peerCpuMs: number;
  readonly peerLoss: number;
  /** The same step with screening off, where the benchmark asks for it. */
  readonly unscreened?: OurStep;
}

interface PeerStep {
  readonly ms: number;
  readonly cpu_ms: number;
  readonly loss: number;
  readonly threshold?: number;
  readonly grad_norm?: number;
}

export const lr = 4e-4;

/** Both sides between two turns. */
export interface Sides {
  readonly trainer: Trainer;
  readonly peer: Peer;
  /** Where the peer writes. */
  readonly folder: string;
  readonly start: Start;
  /** The first batch. */
  readonly batch: Tensor;
}

/** Makes `steps` steps of both, the peer first in each turn. Then `onEnd` sees both. */
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
  const { rows, dVit, dSae, nPrefixes = 1, turn = 1 } = bench;
  const start = bench.start ?? normalStart(rows, dVit, dSae, bench.bEnc ?? 0);
  const prefixes =
    nPrefixes > 1
      ? Array.from({ length: steps }, (_, step) =>
          drawPrefixes(dSae, nPrefixes, { draw: "python-package", step: step + 1 }),
        )
      : null;
  using peer = startPeer(bench, start, prefixes, folder);
  using trainer = startTrainer(bench, start, "auto");
  using plain = bench.unscreened ? startTrainer(bench, start, "off") : null;
  const batches = Array.from({ length: start.x.length / (rows * dVit) }, (_, i) =>
    Tensor.from(start.x.subarray(i * rows * dVit, (i + 1) * rows * dVit), [rows, dVit]),
  );
  const batchOf = (step: number) => batches[step % batches.length] as Tensor;
  const optionsOf = (step: number) => ({ prefixes: prefixes?.[step] ?? [] });
  const sides: Sides = { trainer, peer, folder, start, batch: batchOf(0) };
  for (let first = 0; first < steps; first += turn) {
    const made = Array.from({ length: Math.min(turn, steps - first) }, (_, i) => first + i);
    const peerSteps: PeerStep[] = [];
    for (const _ of made) peerSteps.push(JSON.parse(await peer.ask("step")) as PeerStep);
    const ourSteps: OurStep[] = [];
    for (const step of made) ourSteps.push(await timedStep(trainer, batchOf(step), optionsOf(step)));
    for (const [i, step] of made.entries()) {
      const ours = ourSteps[i] as OurStep;
      const theirs = peerSteps[i] as PeerStep;
      const unscreened = plain ? await timedStep(plain, batchOf(step), optionsOf(step)) : undefined;
      await onPair(pairOf(ours, theirs, unscreened), step, sides);
    }
  }
  const end = await onEnd(sides);
  for (const batch of batches) batch.dispose();
  return end;
}

/** June 2025's package has ReLU alone. */
const as2026 = ({ kind = "relu", nPrefixes = 1 }: TrainBench) => kind !== "relu" || nPrefixes > 1;

function startPeer(
  bench: TrainBench,
  start: Start,
  prefixes: readonly (readonly number[])[] | null,
  folder: string,
): Peer {
  const setup = {
    rows: bench.rows,
    d_vit: bench.dVit,
    d_sae: bench.dSae,
    lr,
    n_lr_warmup: bench.nLrWarmup ?? 1,
    sparsity_coeff: bench.sparsityCoeff ?? 4e-4,
    threads: availableParallelism(),
    kind: bench.kind ?? "relu",
    top_k: bench.topK ?? 32,
    prefixes,
  };
  for (const [name, values] of Object.entries(start)) writeFileSync(path.join(folder, `${name}.bin`), values);
  writeFileSync(path.join(folder, "setup.json"), JSON.stringify(setup));
  return new Peer(as2026(bench) ? "train_2026.py" : "train.py", [folder]);
}

function startTrainer(bench: TrainBench, start: Start, screening: "auto" | "off"): Trainer {
  const { dVit, dSae, kind = "relu", topK = 32, encoderPrecision = "float32" } = bench;
  const training: SaeTraining = {
    lr,
    nLrWarmup: bench.nLrWarmup ?? 1,
    sparsityCoeff: kind === "relu" ? (bench.sparsityCoeff ?? 4e-4) : 0,
    screening,
    encoderPrecision,
    ...(as2026(bench) && { input: "raw", gradClip: 1, deadThresholdTokens: 10_000_000 }),
    ...(kind !== "relu" && { activation: { kind, topK, relu: false }, auxK: { form: "python-package" } }),
  };
  const trainer = Trainer.create(dVit);
  trainer.add(
    {
      wEnc: Tensor.from(start.W_enc, [dVit, dSae]),
      bEnc: Tensor.from(start.b_enc),
      wDec: Tensor.from(start.W_dec, [dSae, dVit]),
      bDec: Tensor.from(start.b_dec),
    },
    training,
  );
  return trainer;
}

async function timedStep(
  trainer: Trainer,
  batch: Tensor,
  options: { readonly prefixes: readonly number[] },
): Promise<OurStep> {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const { saes, times } = await trainer.step(batch, options);
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  const [sae] = saes;
  if (!sae) throw new Error("no figures");
  const { loss, density, threshold, gradNorm } = sae;
  return { ms, cpuMs: (user + system) / 1e3, loss, density, threshold, gradNorm, phases: { ...times } };
}

/** @throws Error when the two sides' figures differ, or ours with and without screening. */
function pairOf(ours: OurStep, theirs: PeerStep, unscreened: OurStep | undefined): Pair {
  if (unscreened && unscreened.loss !== ours.loss)
    throw new Error(
      `losses ${ours.loss} with and ${unscreened.loss} without screening: they must have the same bits`,
    );
  agree("threshold", ours.threshold, theirs.threshold, 1e-4);
  // PyTorch adds millions of squares up in float32.
  agree("norm of the gradients", ours.gradNorm, theirs.grad_norm, 1e-3);
  return {
    ...ours,
    peerMs: theirs.ms,
    peerCpuMs: theirs.cpu_ms,
    peerLoss: theirs.loss,
    ...(unscreened && { unscreened }),
  };
}

function agree(what: string, ours: number, theirs: number | undefined, tolerance: number): void {
  if (theirs !== undefined && Math.abs(ours - theirs) > tolerance * Math.abs(theirs))
    throw new Error(`${what}: ours ${ours}, the peer's ${theirs}`);
}
