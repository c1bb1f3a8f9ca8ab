import { availableParallelism, freemem, totalmem } from "node:os";
import { constrainedMemory } from "node:process";
import { dSae, prefixCount, type ResolvedTrain, validates } from "@saev/config";
import { SaevError } from "../errors.js";
import { bufferRows } from "../loading/blocks.js";
import { parameterBytes } from "./needs.js";

/** What SAEs that are trained at the same time take, in bytes. */
export interface MemoryPlan {
  /** Of all of them. */
  readonly parameters: number;
  /** Of all of them: Adam's two moments, of the matrices with Muon its one. */
  readonly moments: number;
  /**
   * Whole gradients of one step, which the SAEs share: as large as the parameters of the largest. Before them W_enc lies packed in
   * the same memory.
   */
  readonly gradients: number;
  /** Lists of active latents, 6 bytes a pair of activation and latent; shared. */
  readonly pairs: number;
  /** Two batches: the one that is trained on and the one that is read meanwhile. */
  readonly batches: number;
  /** The shuffle buffer, with `buffer` rows; with `data.live` as many as there are, at most. */
  readonly buffer: number;
  /** With `data.live` the ViT, the list of pictures, and those that are on their way through it. 0 without. */
  readonly vit: number;
  /**
   * Evaluations on what was set aside: a copy of the largest SAE and what it encodes with, and with `data.live` the rows, which stay.
   * 0 without.
   */
  readonly validation: number;
  /**
   * Reconstruction errors, lists by latent, the encoder in 8 bits or bfloat16, the threads' own blocks, and what Muon and auxiliary
   * losses need beside; shared.
   */
  readonly work: number;
  readonly total: number;
}

/** What SAEs are trained on, as far as memory is concerned. */
export interface PlannedData {
  /** Activations of an epoch. */
  readonly rows: number;
  /** Bytes of the ViT and its pictures, and of their list; 0 for shards. */
  readonly vit: number;
}

const float = 4;
/** Share of latents that are active when weights are random: of pre-activations around 0 one half. */
const atFirst = 0.5;
/** Largest share of an SAE's latents that are being transposed and updated at a time. */
const inTasks = 1 / 3;

/** Activations of a batch: `sae_batch_size`, or all that there are. */
export const batchRows = (cfg: ResolvedTrain, { rows }: PlannedData): number =>
  Math.min(cfg.sae_batch_size, rows);

/** Memory of SAEs that are trained together. */
export function memoryPlan(cfgs: readonly ResolvedTrain[], from: PlannedData): MemoryPlan {
  const rows = batchRows(cfgs[0]!, from);
  const sum = (part: (cfg: ResolvedTrain) => number) => cfgs.reduce((n, cfg) => n + part(cfg), 0);
  const most = (part: (cfg: ResolvedTrain) => number) => Math.max(...cfgs.map(part));
  const dVit = cfgs[0]!.sae.d_vit;
  const matrix = float * rows * dVit;
  const plan = {
    parameters: sum(parameterBytes),
    moments: sum((cfg) => parameterBytes(cfg) * (cfg.optimizer === "muon" ? 1 : 2)),
    gradients: most((cfg) => float * 2 * cfg.sae.d_vit * dSae(cfg.sae)),
    pairs: most((cfg) => 6 * pairs(cfg, rows)),
    // Beside each row its index, image and patch.
    batches: 2 * (matrix + 3 * 8 * rows),
    buffer: float * dVit * buffered(cfgs[0]!, from),
    vit: from.vit,
    validation: validation(cfgs),
    work: most((cfg) => work(cfg, rows)),
  };
  return { ...plan, total: Object.values(plan).reduce((a, b) => a + b, 0) };
}

function buffered({ data, buffer, sae }: ResolvedTrain, { rows }: PlannedData): number {
  return data.live ? Math.min(bufferRows(buffer, sae.d_vit), rows) : buffer;
}

/** Most pairs of activation and latent in the lists of one step. */
function pairs({ sae }: ResolvedTrain, rows: number): number {
  const all = rows * dSae(sae);
  if (!("top_k" in sae)) return all * atFirst * (sae.kind === "gated" ? 2 : 1);
  // Until the k-th largest is known, more are listed than stay; each half again when its block's list grows.
  const listed = rows * (sae.kind === "batch-top-k" ? 3 : 1.5) * sae.top_k;
  return Math.min(all, listed) + rows * 1.5 * sae.k_aux;
}

function validation(cfgs: readonly ResolvedTrain[]): number {
  const { eval_every, n_val, val_data, data, sae } = cfgs[0]!;
  if (eval_every === 0 || !validates(cfgs[0]!)) return 0;
  const rows = data.live && val_data.shard_root === "" ? float * n_val * sae.d_vit : 0;
  // A copy, W_enc packed for the float32 product, and W_enc in 8 bits with what its sums begin at.
  return (1 + 1 / 2 + 9 / 64) * Math.max(...cfgs.map(parameterBytes)) + rows;
}

function work(cfg: ResolvedTrain, rows: number): number {
  const { sae, objective, optimizer } = cfg;
  const n = dSae(sae);
  const aux = "k_aux" in sae && sae.k_aux > 0;
  // x − b_dec, an error for each prefix, and one for the gate or the auxiliary loss.
  const matrices = 1 + prefixCount(objective) + (aux || sae.kind === "gated" ? 1 : 0);
  const half = float * sae.d_vit * n;
  return (
    float * rows * sae.d_vit * matrices +
    10 * inTasks * pairs(cfg, rows) +
    // W_enc in 8 bits, with which products are screened, and 32 bits for each 32 of them; or in bfloat16.
    (cfg.encoder_precision === "bfloat16" ? 2 : 9 / 8) * sae.d_vit * n +
    availableParallelism() * ofThread(sae.d_vit) +
    // The dead latents' rows of W_enc, at worst all.
    (aux ? half : 0) +
    // Muon sees whole gradients: those, W_dec's before the projection, and weights, momentum and direction of one matrix, twice.
    (optimizer === "muon" ? 8 * half : 0)
  );
}

/** What a thread of a step keeps: row blocks that are encoded together, and the gradients of a task's latents (native/sae/blocking.cc). */
function ofThread(dVit: number): number {
  const [blocks, rows, segment, latents] = [4, 96, 256, 768];
  // Rows as they are, packed and in 8 bits; of each pair a value, an index, and where it came from.
  const encoded = blocks * rows * (9 * dVit + 12 * segment);
  return encoded + 2 * float * latents * dVit;
}

/** What the process takes before anything is trained: Node and libtorch, in bytes. */
const processBytes = 0.25e9;

/** Memory that a training may take here: of the machine's, or the container's, nine tenths, and not what others use. */
export function memoryLimit(): number {
  const limit = constrainedMemory();
  const there = limit > 0 && limit < totalmem() ? limit : totalmem();
  return Math.min(0.9 * there, Math.max(freemem(), 0.5 * there)) - processBytes;
}

/**
 * Splits SAEs that could be trained together into rounds of which each fits into `limit` bytes, in order, each into the first round
 * with room.
 * @throws SaevError `OUT_OF_MEMORY` for one that does not fit alone.
 */
export function splitByMemory<T extends { readonly cfg: ResolvedTrain }>(
  jobs: readonly T[],
  from: PlannedData,
  limit: number,
): T[][] {
  const rounds: T[][] = [];
  const fits = (some: readonly T[]) =>
    memoryPlan(
      some.map(({ cfg }) => cfg),
      from,
    ).total <= limit;
  for (const job of jobs) {
    if (!fits([job])) throw tooLarge(job.cfg, from, limit);
    const round = rounds.find((some) => fits([...some, job]));
    if (round) round.push(job);
    else rounds.push([job]);
  }
  return rounds;
}

function tooLarge(cfg: ResolvedTrain, from: PlannedData, limit: number): SaevError {
  const { total, parameters } = memoryPlan([cfg], from);
  const smaller =
    total > 8 * parameters ? "a smaller sae_batch_size" : "a smaller exp_factor or d_sae, or sae_batch_size";
  return new SaevError(
    "OUT_OF_MEMORY",
    `training an SAE of ${dSae(cfg.sae)} latents of width ${cfg.sae.d_vit} takes ${gigabytes(total)} (${gigabytes(parameters)} of it ` +
      `parameters), and ${gigabytes(limit)} may be used; choose ${smaller}`,
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toPrecision(3)} GB`;
