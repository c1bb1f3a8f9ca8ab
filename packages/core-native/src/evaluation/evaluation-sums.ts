import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import { Latents } from "../sae/latents.js";
import type { SparseAutoencoder } from "../sae/sparse-autoencoder.js";
import { Tensor } from "../tensor.js";
import { type Evaluation, type EvaluationThresholds, fromNativeEvaluation, thresholdsOf } from "./figures.js";

/**
 * An evaluation that goes on batch by batch and hands out each batch's latents; {@link evaluate} does it for a whole
 * source. Its state can be kept and gone on with, to the same bits when the batches are the same. It takes
 * 24 bytes × (d_vit + d_sae) of memory, whatever the number of activations.
 */
export class EvaluationSums extends Resource<"EvaluationSums"> {
  /**
   * @param prefixes lengths, ascending and below d_sae, of which the first latents are measured alone too; each costs a
   * decoder pass. Default none.
   * @throws SaevError `INVALID_ARGUMENT`.
   */
  static create(
    sae: Pick<SparseAutoencoder, "dVit" | "dSae">,
    prefixes: readonly number[] = [],
  ): EvaluationSums {
    return new EvaluationSums(callSync(() => addon().evaluationSums(sae.dVit, sae.dSae, prefixes)));
  }

  /**
   * Adds the rows of `x` and returns their latents.
   * @param x float32 [rows, d_vit], scaled as the SAE was trained.
   * @throws SaevError `SHAPE_MISMATCH`; `NUMERIC` when a value is not finite, and then nothing is added.
   */
  async add(sae: SparseAutoencoder, x: Tensor, options?: LongCallOptions): Promise<Latents> {
    this.alive();
    const dSae = sae.dSae;
    const native = await callAsync(options, (control) =>
      addon().evaluationAdd(this.handle, sae.handle, x.handle, control),
    );
    return Latents.fromNative(native, dSae);
  }

  /** The figures of all rows so far. @throws SaevError `INVALID_ARGUMENT` without rows. */
  figures(options: EvaluationThresholds = {}): Evaluation {
    this.alive();
    const thresholds = thresholdsOf(options);
    return fromNativeEvaluation(
      callSync(() => addon().evaluationFigures(this.handle, thresholds)),
      thresholds,
    );
  }

  /** All sums, float64 [n]. */
  state(): Tensor {
    this.alive();
    return Tensor.fromHandle(callSync(() => addon().evaluationState(this.handle)));
  }

  /** Goes on where `state()` was taken. @throws SaevError when it is of another SAE. */
  restore(state: Tensor): void {
    this.alive();
    callSync(() => addon().evaluationRestore(this.handle, state.handle));
  }
}
