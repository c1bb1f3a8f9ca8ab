/** Shuffled rows of activations from the page cache: our loader, and the Python package's way to read them. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { DataLoad, type Metadata } from "@saev/config";
import { ActivationLoader, ShardWriter, Tensor, writeTensor } from "@saev/core";
import { median } from "./_median.js";
import type { BenchResult } from "./result.js";

const dVit = 768; // 3 KB a row, as ViT-B
const nPatches = 196;
const nImgs = 700; // 420 MB: far beyond the caches, well within memory
const batchSize = 4096;
const rounds = 5;
const oursPerRound = 24;
const peerPerRound = 2;

async function record(folder: string): Promise<string> {
  const metadata: Metadata = {
    vit_family: "clip",
    vit_ckpt: "bench",
    layers: [-2],
    n_patches_per_img: nPatches,
    cls_token: true,
    d_vit: dVit,
    seed: 0,
    n_imgs: nImgs,
    n_patches_per_shard: 256 * (nPatches + 1),
    data: "bench",
  };
  using writer = await ShardWriter.open(folder, metadata);
  const batch = new Float32Array(50 * (nPatches + 1) * dVit).map(
    (_, i) => ((i * 2654435761) % 4096) / 1024 - 2,
  );
  using acts = Tensor.from(batch, [50, 1, nPatches + 1, dVit]);
  for (let image = 0; image < nImgs; image += 50) await writer.write(acts);
  await writer.finish();
  return writer.dir;
}

/** Rows a second over some batches, as a program in TypeScript gets them. */
async function ours(loader: ActivationLoader): Promise<number> {
  const start = performance.now();
  let rows = 0;
  for (let i = 0; i < oursPerRound; i++) {
    using batch = await loader.next(batchSize);
    rows += batch?.acts.shape[0] ?? 0;
  }
  return (rows / (performance.now() - start)) * 1000;
}

class Peer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(dir: string, workers: number) {
    const script = path.join(import.meta.dirname, "peers", "loader.py");
    const args = [script, dir, "-2", String(batchSize), String(workers)];
    this.#process = spawn(process.env.SAEV_PYTHON ?? "python3", args);
    this.#process.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("the peer ended; it needs a Python with torch and numpy: set SAEV_PYTHON");
    return value;
  }
  async run(): Promise<number> {
    this.#process.stdin.write(`${peerPerRound}\n`);
    return Number(await this.line());
  }
  stop(): void {
    this.#process.stdin.end();
  }
}

/** GB/s of one core copying memory, to see how far a loader could get. */
function memcpy(): number {
  const source = new Uint8Array(256 << 20).fill(1);
  const target = new Uint8Array(source.length);
  target.set(source);
  const start = performance.now();
  target.set(source);
  return source.length / (performance.now() - start) / 1e6;
}

export default async function loader(): Promise<BenchResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "saev-bench-"));
  const cores = os.availableParallelism();
  const peers: Peer[] = [];
  try {
    const dir = await record(folder);
    const [mean, norm] = [path.join(folder, "mean.pt"), path.join(folder, "norm.pt")];
    await writeTensor(mean, Tensor.from(new Float32Array(dVit).fill(0.25)));
    await writeTensor(norm, Tensor.from(new Float32Array([1.5]), []));
    const config = DataLoad.parse({ shard_root: dir, layer: -2, scale_mean: mean, scale_norm: norm });
    using shuffled = await ActivationLoader.open(config, { order: "shuffled", nWorkers: cores });
    await ours(shuffled); // the page tables are filled
    const rates = {
      ours: [] as number[],
      alone: [] as number[],
      workers: [] as number[],
      memcpy: [] as number[],
    };
    for (let round = 0; round < rounds; round++) {
      rates.memcpy.push(memcpy());
      rates.ours.push(await ours(shuffled));
    }
    // Ours comes first: the peer's workers read ahead whether or not somebody asks, and would take its cores.
    peers.push(new Peer(dir, 0));
    await peers[0]!.line();
    for (let round = 0; round < rounds; round++) rates.alone.push(await peers[0]!.run());
    peers.push(new Peer(dir, cores));
    await peers[1]!.line();
    for (let round = 0; round < rounds; round++) rates.workers.push(await peers[1]!.run());
    const [mine, alone, workers] = [median(rates.ours), median(rates.alone), median(rates.workers)];
    const theirs = Math.max(alone, workers);
    const gigabytes = (mine * dVit * 4) / 1e9;
    const copied = median(rates.memcpy);
    return {
      name: "loader",
      ours: mine,
      peer: theirs,
      ratio: mine / theirs,
      unit: "rows/s",
      notes: [
        `rows of ${dVit} float32, ${nImgs * nPatches} of them, shuffled, clamped, centred and scaled; batches of ${batchSize}`,
        `ours: ${gigabytes.toFixed(2)} GB/s on ${cores} cores, ${((100 * gigabytes) / copied).toFixed(0)} % of memcpy on one core, ${copied.toFixed(2)} GB/s`,
        `peer: ${alone.toFixed(0)} rows/s without workers, ${workers.toFixed(0)} with ${cores}; the better one counts`,
      ],
    };
  } finally {
    for (const peer of peers) peer.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
