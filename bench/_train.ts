/** Our training step beside plain PyTorch's: same rows, same start, steps interleaved, results compared. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { systemInfo, Tensor, Trainer } from "@saev/core";
import type { BenchResult } from "./result.js";

export interface TrainBench {
  readonly name: string;
  readonly rows: number;
  readonly dVit: number;
  readonly dSae: number;
  /** b_enc of every latent. Pre-activations are standard normal without it, so it sets the density. */
  readonly bEnc: number;
  /** Steps timed, after one that is not. */
  readonly steps: number;
}

const lr = 4e-4;
const sparsityCoeff = 4e-4;

export async function benchTrain(bench: TrainBench): Promise<BenchResult> {
  const folder = mkdtempSync(path.join(tmpdir(), "saev-bench-"));
  try {
    return await run(bench, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run(bench: TrainBench, folder: string): Promise<BenchResult> {
  const { rows, dVit, dSae } = bench;
  const start = startOf(bench);
  for (const [name, values] of Object.entries(start)) writeFileSync(path.join(folder, `${name}.bin`), values);
  const setup = {
    rows,
    d_vit: dVit,
    d_sae: dSae,
    lr,
    sparsity_coeff: sparsityCoeff,
    threads: availableParallelism(),
  };
  writeFileSync(path.join(folder, "setup.json"), JSON.stringify(setup));
  const peer = Peer.start(folder);
  using trainer = Trainer.create(dVit);
  trainer.add(
    {
      wEnc: Tensor.from(start.W_enc, [dVit, dSae]),
      bEnc: Tensor.from(start.b_enc),
      wDec: Tensor.from(start.W_dec, [dSae, dVit]),
      bDec: Tensor.from(start.b_dec),
    },
    { lr, nLrWarmup: 1, sparsityCoeff },
  );
  using x = Tensor.from(start.x, [rows, dVit]);
  const ours: number[] = [];
  const theirs: number[] = [];
  const phases: Record<string, number[]> = {};
  let density = 0;
  let lossOff = 0;
  for (let i = 0; i <= bench.steps; i++) {
    const answer = await peer.ask<{ ms: number; loss: number }>("step");
    const begin = performance.now();
    const { saes, times } = await trainer.step(x);
    const ms = performance.now() - begin;
    const [sae] = saes;
    if (!sae) throw new Error("no figures");
    lossOff = Math.max(lossOff, Math.abs(sae.loss - answer.loss) / answer.loss);
    density = sae.density;
    if (i === 0) continue;
    ours.push(ms);
    theirs.push(answer.ms);
    for (const [phase, value] of Object.entries(times)) {
      phases[phase] ??= [];
      phases[phase].push(value);
    }
  }
  await peer.ask("save");
  await peer.stop();
  const agreement = compare(trainer, folder, bench.steps);
  if (!(lossOff < 1e-5))
    throw new Error(`losses differ by ${lossOff} relative: the two do not do the same work`);
  const gflop = (2 * rows * dVit * dSae) / 1e9;
  return {
    name: bench.name,
    ours: median(ours),
    peer: median(theirs),
    ratio: median(theirs.map((t, i) => t / (ours[i] as number))),
    unit: "ms/step",
    notes: [
      `B ${rows}, d_vit ${dVit}, d_sae ${dSae}, ${(100 * density).toFixed(2)} % of latents active, ${setup.threads} threads, level ${systemInfo().level}`,
      `ours by phase, ms: ${Object.entries(phases)
        .map(([phase, values]) => `${phase} ${median(values).toFixed(1)}`)
        .join(", ")} (the last four within backward)`,
      `encoder product: ${gflop.toFixed(1)} GFLOP, ${(gflop / (median(phases.encode ?? [1]) / 1e3)).toFixed(0)} GFLOP/s`,
      `losses agree within ${lossOff.toExponential(1)} relative; ${agreement}`,
    ],
  };
}

/** Standard normal rows; W_dec of random unit rows, W_enc its transpose: pre-activations are standard normal. */
function startOf({ rows, dVit, dSae, bEnc }: TrainBench) {
  const normal = normals(7);
  const fill = (n: number) => Float32Array.from({ length: n }, normal);
  const x = fill(rows * dVit);
  const wDec = fill(dSae * dVit);
  const wEnc = new Float32Array(dSae * dVit);
  for (let j = 0; j < dSae; j++) {
    let squares = 0;
    for (let k = 0; k < dVit; k++) squares += (wDec[j * dVit + k] as number) ** 2;
    for (let k = 0; k < dVit; k++) {
      wDec[j * dVit + k] = (wDec[j * dVit + k] as number) / Math.sqrt(squares);
      wEnc[k * dSae + j] = wDec[j * dVit + k] as number;
    }
  }
  return {
    x,
    W_enc: wEnc,
    b_enc: new Float32Array(dSae).fill(bEnc),
    W_dec: wDec,
    b_dec: new Float32Array(dVit),
  };
}

function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/**
 * Parameters after the last step. Adam's first steps act like a sign, so an entry whose gradient is a rounding error,
 * or a latent that is active in one of the two only, may move by up to 2 lr a step: such entries must be very few.
 */
function compare(trainer: Trainer, folder: string, steps: number): string {
  const t = trainer.tensors(0);
  let worst = 0;
  let off = 0;
  let n = 0;
  for (const [name, tensor] of [
    ["W_enc", t.wEnc],
    ["b_enc", t.bEnc],
    ["W_dec", t.wDec],
    ["b_dec", t.bDec],
  ] as const) {
    const bytes = readFileSync(path.join(folder, `${name}.after.bin`));
    const theirs = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    const ours = tensor.toFloat32Array();
    tensor.dispose();
    for (let i = 0; i < ours.length; i++) {
      const d = Math.abs((ours[i] as number) - (theirs[i] as number));
      if (!(d <= worst)) worst = d;
      if (!(d <= 1e-5)) off++;
    }
    n += ours.length;
  }
  if (!(worst <= 2.2 * lr * steps) || off > 1e-3 * n) {
    throw new Error(`parameters differ by up to ${worst}, ${off} of ${n} by more than 1e-5`);
  }
  return `${off} of ${n} parameters differ by more than 1e-5, the largest difference is ${worst.toExponential(1)}`;
}

class Peer {
  readonly #lines: AsyncIterator<string>;
  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }
  static start(folder: string): Peer {
    const python = process.env.SAEV_PYTHON ?? "python3";
    const child = spawn(python, [path.join(import.meta.dirname, "peers", "train.py"), folder], {
      stdio: ["pipe", "pipe", "inherit"],
    }) as unknown as ChildProcessWithoutNullStreams;
    return new Peer(child);
  }
  async ask<T>(command: string): Promise<T> {
    this.child.stdin.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the peer ended; is there a Python with torch? Set SAEV_PYTHON to one");
    return JSON.parse(value) as T;
  }
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin.end();
    await ended;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
