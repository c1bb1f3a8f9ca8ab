import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type Inference, toDocument } from "@saev/config";
import { resolveDevice } from "../device.js";
import { SaevError } from "../errors.js";
import type { Evaluation } from "../evaluation/figures.js";
import { FolderLock } from "../io/folder-lock.js";
import { makeFolder } from "../io/make-folder.js";
import { writeTensor } from "../io/tensor-file.js";
import { writeText } from "../io/write-text.js";
import { ActivationLoader } from "../loading/activation-loader.js";
import { asTrained } from "../loading/as-trained.js";
import { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { encodeDataset } from "./encode-dataset.js";
import { LatentParts } from "./parts.js";
import { type MatrixSize, writeNpz } from "./write-npz.js";
import { type RowLayout, writeActsParquet, writeLatentsParquet } from "./write-parquet.js";

export interface LatentsProgress {
  /** `encoding` counts activations, `npz` and `parquet` count active latents that are written. */
  readonly stage: "encoding" | "npz" | "parquet";
  readonly done: number;
  readonly total: number;
}

export interface WriteLatentsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LatentsProgress) => void) | undefined;
  /** Where warnings go. Default: `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Milliseconds between two states that a killed job goes on from. Default 30 000. */
  readonly saveEvery?: number | undefined;
}

/** What was written. */
export interface WrittenLatents {
  /** The folder. */
  readonly dir: string;
  readonly files: readonly string[];
  readonly rows: number;
  readonly dSae: number;
  /** Active latents of all rows. */
  readonly nnz: number;
  /** Activations that an earlier, stopped job had encoded. */
  readonly resumedAt: number;
  /** Whether everything was there already. */
  readonly doneBefore: boolean;
}

const record = "latents.json";

/** Folder in which the latents of these shards are written: see `dump_to`. */
export function latentsFolder(cfg: Inference, shards: ShardFolder): string {
  const home = path.dirname(cfg.ckpt);
  const run = path.basename(home) === "checkpoint" ? path.dirname(home) : home;
  const parent = cfg.dump_to === "" ? path.join(run, "inference") : cfg.dump_to;
  return path.join(parent, shards.hash.slice(0, 8));
}

/** Names of the files that a config asks for, in the order in which they are written. */
export function latentsFiles({ formats }: Inference): string[] {
  return [
    "mean_values.pt",
    "sparsity.pt",
    "metrics.json",
    "config.json",
    "latents.parquet",
    ...(formats === "parquet" ? [] : ["token_acts.npz"]),
    ...(formats === "npz" ? [] : ["token_acts.parquet"]),
    record,
  ];
}

/**
 * Writes the sparse latents of all recorded activations: `token_acts.npz` (scipy CSR [images × layers × patches, d_sae]),
 * `token_acts.parquet`, tables over latents and figures. Memory does not grow with the data. A job that was stopped
 * or killed goes on where it was, to the same bytes; finished results stay as they are.
 * @throws SaevError `INVALID_ARGUMENT` when the folder holds results of something else, `NOT_FOUND`, `BAD_FILE`,
 * `SHAPE_MISMATCH`, `NUMERIC`, `IO`.
 */
export async function writeLatents(
  cfg: Inference,
  options: WriteLatentsOptions = {},
): Promise<WrittenLatents> {
  const { signal } = options;
  resolveDevice(cfg.device, { warn: options.warn });
  const shards = await ShardFolder.open(cfg.data.shard_root);
  shards.requireComplete();
  using sae = await SparseAutoencoder.load(cfg.ckpt, { signal });
  const job = jobText(cfg, shards, sae);
  const dir = latentsFolder(cfg, shards);
  const files = latentsFiles(cfg);
  makeFolder(dir);
  using _ = FolderLock.take(dir, `${dir}: another process writes latents here`);
  const before = await finished(dir, files, job);
  if (before !== undefined) return { dir, files, dSae: sae.dSae, ...before, resumedAt: 0, doneBefore: true };

  using trained = await asTrained(cfg.data, sae.scaling, cfg.ckpt);
  using loader = await ActivationLoader.open(trained.config, {
    ...trained.options,
    order: "ordered",
    nWorkers: cfg.n_workers,
    signal,
    ...(options.warn && { warn: options.warn }),
  });
  const layout = layoutOf(cfg, shards);
  const nRows = shards.imagesDone * Math.max(1, layout.layers.length) * layout.patches;
  const parts = await LatentParts.open(dir, job);
  try {
    const { rows, nnz, resumedAt, evaluation } = await encodeDataset(sae, loader, parts, job, nRows, {
      batchSize: cfg.sae_batch_size,
      signal,
      saveEvery: options.saveEvery ?? 30_000,
      onProgress: (done, total) => options.onProgress?.({ stage: "encoding", done, total }),
    });
    const size = { rows, nnz, dSae: sae.dSae };
    await writeTables(dir, cfg, evaluation, sae.dVit);
    const told = (stage: "npz" | "parquet") => ({
      signal,
      onProgress: (done: number) => options.onProgress?.({ stage, done, total: nnz }),
    });
    if (files.includes("token_acts.npz"))
      await writeNpz(path.join(dir, "token_acts.npz"), parts, size, told("npz"));
    if (files.includes("token_acts.parquet"))
      await writeActsParquet(path.join(dir, "token_acts.parquet"), parts, layout, told("parquet"));
    await writeText(path.join(dir, record), recordText(size, layout, job));
    await parts.remove();
    return { dir, files, ...size, resumedAt, doneBefore: false };
  } catch (error) {
    await parts.close().catch(() => {});
    throw told(error, dir);
  }
}

/** What decides the bytes of the results. */
function jobText(cfg: Inference, shards: ShardFolder, sae: SparseAutoencoder): string {
  const { shard_root: _, ...data } = cfg.data;
  const hash = createHash("sha256");
  const tensors = sae.tensors();
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor === undefined) continue;
    const values = tensor.toTypedArray();
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    tensor.dispose();
  }
  return JSON.stringify({
    shards: shards.hash,
    images: shards.imagesDone,
    data,
    sae: hash.digest("hex"),
    input: sae.input,
    activation: sae.activation,
    batch: cfg.sae_batch_size,
  });
}

function layoutOf(cfg: Inference, { metadata }: ShardFolder): RowLayout {
  const ofPatches = cfg.data.patches === "patches";
  return {
    layers: cfg.data.layer === "all" ? metadata.layers : [],
    patches: ofPatches ? metadata.n_patches_per_img : 1,
    ofPatches,
  };
}

/** Sizes of results that are there already. @throws SaevError when they are of something else. */
async function finished(
  dir: string,
  files: readonly string[],
  job: string,
): Promise<Pick<MatrixSize, "rows" | "nnz"> | undefined> {
  const text = await readFile(path.join(dir, record), "utf8").catch(() => undefined);
  if (text === undefined) {
    const strangers = (await readdir(dir)).filter(
      (name) => files.includes(name) && name.startsWith("token_acts"),
    );
    if (strangers.length === 0 || existsSync(path.join(dir, "partial"))) return undefined;
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${dir} holds ${strangers.join(" and ")} of another program; choose another dump_to`,
    );
  }
  let found: { job?: unknown; rows?: unknown; nnz?: unknown };
  try {
    found = JSON.parse(text) as typeof found;
  } catch {
    throw new SaevError(
      "BAD_FILE",
      `${path.join(dir, record)}: expected JSON; remove the folder to begin anew`,
    );
  }
  if (found.job !== digest(job)) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${dir} holds latents of another SAE, other settings of data, or another batch size; choose another dump_to`,
    );
  }
  const there = files.every((name) => existsSync(path.join(dir, name)));
  return there ? { rows: Number(found.rows), nnz: Number(found.nnz) } : undefined;
}

const digest = (job: string): string => createHash("sha256").update(job).digest("hex");

function recordText({ rows, dSae, nnz }: MatrixSize, layout: RowLayout, job: string): string {
  const value = {
    format: 1,
    rows,
    d_sae: dSae,
    nnz,
    patches_per_image: layout.patches,
    layers: layout.layers,
    job: digest(job),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function writeTables(dir: string, cfg: Inference, e: Evaluation, dVit: number): Promise<void> {
  await writeTensor(path.join(dir, "mean_values.pt"), e.meanValues);
  await writeTensor(path.join(dir, "sparsity.pt"), e.freqs);
  await writeText(path.join(dir, "metrics.json"), `${JSON.stringify(pythonMetrics(e, dVit), null, 2)}\n`);
  await writeText(path.join(dir, "config.json"), `${JSON.stringify(toDocument(cfg), null, 2)}\n`);
  await writeLatentsParquet(path.join(dir, "latents.parquet"), e);
}

/** metrics.json, with the Python package's names: the baseline is the mean activation. */
function pythonMetrics(e: Evaluation, dVit: number) {
  const elements = e.nRows * dVit;
  return {
    mse_per_dim: e.squaredError / elements,
    mse_per_token: e.squaredError / e.nRows,
    normalized_mse: e.squaredError / e.squaredDeviation,
    baseline_mse_per_dim: e.squaredDeviation / elements,
    baseline_mse_per_token: e.squaredDeviation / e.nRows,
    sse_recon: e.squaredError,
    sse_baseline: e.squaredDeviation,
    n_tokens: e.nRows,
    d_model: dVit,
    n_elements: elements,
  };
}

/** Errors of the file system, which come in the middle of the work, in our words. */
function told(error: unknown, dir: string): unknown {
  if (error instanceof SaevError || !(error instanceof Error)) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (typeof code !== "string" || typeof syscall !== "string") return error;
  const room = code === "ENOSPC" ? "; make room and run the same command again to go on" : "";
  return new SaevError("IO", `cannot write in ${dir}: ${error.message}${room}`, { cause: error });
}
