/** Which pairs (row, latent) a BatchTopK SAE kept in a step: ours beside PyTorch's. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { SparseAutoencoder, type Tensor, type Trainer } from "@saev/core";
import type { Start } from "./_start.js";

/** Pairs as row · d_sae + latent, ascending. */
export type Kept = Float64Array;

/** Pairs that may differ of `count` kept. Seen were 2 to 8 of 131,072. */
const mostOff = (count: number): number => 4 + 2e-4 * count;

/**
 * What our step kept, of which the running threshold was `threshold` and had been 0: a tenth of the smallest value kept. So the same
 * product above just less than that.
 */
export async function keptByOurs(
  trainer: Trainer,
  batch: Tensor,
  threshold: number,
  topK: number,
): Promise<Kept> {
  const smallest = Math.fround(threshold / 0.1);
  const tensors = trainer.tensors(0);
  using sae = SparseAutoencoder.from(tensors, "raw", {
    kind: "batch-top-k",
    topK,
    threshold: smallest * (1 - 2 ** -23),
  });
  for (const tensor of Object.values(tensors)) (tensor as Tensor).dispose();
  using latents = await sae.encode(batch);
  const rowStart = latents.rowStart.toTypedArray() as BigInt64Array;
  const latent = latents.latent.toTypedArray() as Int32Array;
  const kept = new Float64Array(latent.length);
  for (let r = 0; r < latents.rows; r++) {
    for (let q = Number(rowStart[r]); q < Number(rowStart[r + 1]); q++)
      kept[q] = r * sae.dSae + (latent[q] as number);
  }
  return kept;
}

/** What the peer's answer to "kept" has left in its folder. */
export function keptByPeer(folder: string): Kept {
  const bytes = readFileSync(path.join(folder, "kept.bin"));
  return Float64Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8), Number);
}

/**
 * Compares the k · B largest pre-activations as both found them, from the same parameters.
 *
 * Let h be a pre-activation without rounding and e at least its rounding error in either float32 product: for a sum of n terms in
 * any order e = (n + 1) u (Σ |x_i w_i| + |b|), u = 2⁻²⁴ (Higham, Accuracy and Stability of Numerical Algorithms, 3.1; to first
 * order, hence 1 % more). If one kept p and not q, its value of p is not below that of q, so h(p) ≥ h(q) − e(p) − e(q). If the other
 * kept q and not p, h(q) ≥ h(p) − e(p) − e(q). So each pair that only one kept lies within e(p) + e(q) of each that only the other
 * kept: around the edge. That bound is wide, some hundred times what is seen, so there must be few of them, too.
 *
 * @returns how many pairs differ, and the latents that any of their rows keeps: the errors of these rows differ, and with them the
 * gradients of all that is active there.
 * @throws Error when the difference is more than rounding can make.
 */
export function compareKept(
  ours: Kept,
  theirs: Kept,
  start: Pick<Start, "x" | "W_enc" | "b_enc">,
  size: { readonly rows: number; readonly dVit: number; readonly dSae: number; readonly topK: number },
): { readonly pairs: number; readonly latents: ReadonlySet<number> } {
  const { rows, dVit, dSae, topK } = size;
  const count = rows * topK;
  if (ours.length !== count || theirs.length !== count)
    throw new Error(`${ours.length} and ${theirs.length} pairs are kept, not ${count}`);
  const value = (pair: number) => {
    const row = Math.floor(pair / dSae);
    const latent = pair % dSae;
    let h = start.b_enc[latent] as number;
    let sizes = Math.abs(h);
    for (let k = 0; k < dVit; k++) {
      const term = (start.x[row * dVit + k] as number) * (start.W_enc[k * dSae + latent] as number);
      h += term;
      sizes += Math.abs(term);
    }
    return { h, error: 1.01 * (dVit + 1) * 2 ** -24 * sizes };
  };
  const without = (some: Kept, others: Kept) => {
    const set = new Set(others);
    return [...some.filter((pair) => !set.has(pair))];
  };
  const [onlyOurs, onlyTheirs] = [without(ours, theirs), without(theirs, ours)];
  const pairs = onlyOurs.length + onlyTheirs.length;
  if (pairs > mostOff(count)) throw new Error(`${pairs} kept pairs differ of ${count} on each side`);
  const theirValues = onlyTheirs.map(value);
  for (const p of onlyOurs.map(value)) {
    for (const q of theirValues) {
      if (!(Math.abs(p.h - q.h) <= p.error + q.error))
        throw new Error(
          `a pair of ${p.h} is kept by ours alone, one of ${q.h} by the peer alone: more than rounding`,
        );
    }
  }
  const touched = new Set([...onlyOurs, ...onlyTheirs].map((pair) => Math.floor(pair / dSae)));
  const latents = new Set<number>();
  for (const kept of [ours, theirs]) {
    for (const pair of kept) if (touched.has(Math.floor(pair / dSae))) latents.add(pair % dSae);
  }
  return { pairs, latents };
}
