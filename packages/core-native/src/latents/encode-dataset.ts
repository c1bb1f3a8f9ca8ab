import { EvaluationSums } from "../evaluation/evaluation-sums.js";
import type { Evaluation } from "../evaluation/figures.js";
import type { ActivationLoader } from "../loading/activation-loader.js";
import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { Tensor } from "../tensor.js";
import type { LatentParts } from "./parts.js";

export interface EncodeOptions {
  readonly batchSize: number;
  readonly signal?: AbortSignal | undefined;
  /** Activations that are encoded, and how many there are. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Milliseconds between two saved states. */
  readonly saveEvery: number;
}

export interface Encoded {
  readonly rows: number;
  readonly nnz: number;
  /** Where the work began: activations that were there already. */
  readonly resumedAt: number;
  readonly evaluation: Evaluation;
}

/**
 * Encodes what an ordered loader reads into `parts`, from where their state says. Memory: a batch and its latents. When it
 * ends early it saves the last whole batch, unless it is killed; then the last saved state counts.
 * @param job what `parts` were opened with.
 * @param nRows rows of the matrix; those that the loader leaves out have no latents.
 */
export async function encodeDataset(
  sae: SparseAutoencoder,
  loader: ActivationLoader,
  parts: LatentParts,
  job: string,
  nRows: number,
  options: EncodeOptions,
): Promise<Encoded> {
  using sums = EvaluationSums.create(sae);
  let { rows = 0, nnz = 0, activations = 0 } = parts.state ?? {};
  const resumedAt = activations;
  let place = "";
  if (parts.state !== undefined) {
    using state = Tensor.from(fromBase64(parts.state.sums));
    sums.restore(state);
    if (activations < loader.length) loader.restore(parts.state.loader);
    place = parts.state.loader;
  }
  let whole = true;
  const save = async () => {
    using state = sums.state();
    await parts.save({ job, rows, nnz, activations, loader: place, sums: toBase64(state) });
  };
  let saved = performance.now();
  try {
    while (activations < loader.length) {
      using batch = await loader.next(options.batchSize, { signal: options.signal });
      if (batch === null) break;
      using latents = await sums.add(sae, batch.acts, { signal: options.signal });
      whole = false;
      const index = batch.index.toTypedArray() as BigInt64Array;
      const starts = latents.rowStart.toTypedArray() as BigInt64Array;
      const end = Number(index.at(-1)!) + 1;
      const counts = new Int32Array(end - rows);
      for (let r = 0; r < index.length; r++) {
        counts[Number(index[r]!) - rows] = Number(starts[r + 1]! - starts[r]!);
      }
      await parts.append({
        counts,
        latents: latents.latent.toTypedArray() as Int32Array,
        values: latents.value.toFloat32Array(),
      });
      rows = end;
      nnz += latents.nnz;
      activations += index.length;
      place = loader.state();
      whole = true;
      options.onProgress?.(activations, loader.length);
      if (performance.now() - saved > options.saveEvery) {
        await save();
        saved = performance.now();
      }
    }
    if (rows < nRows) {
      whole = false;
      await parts.append({
        counts: new Int32Array(nRows - rows),
        latents: new Int32Array(),
        values: new Float32Array(),
      });
      rows = nRows;
      whole = true;
    }
  } catch (error) {
    if (whole && activations > resumedAt) await save().catch(() => {});
    throw error;
  }
  await save();
  return { rows, nnz, resumedAt, evaluation: sums.figures() };
}

function toBase64(state: Tensor): string {
  const values = state.toTypedArray();
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

function fromBase64(text: string): Float64Array {
  const bytes = Buffer.from(text, "base64");
  return new Float64Array(new Uint8Array(bytes.subarray(0, bytes.length - (bytes.length % 8))).buffer);
}
