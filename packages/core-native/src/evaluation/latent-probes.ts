import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import type { NativeClassProbe } from "../native/latent-probes.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import type { Latents } from "../sae/latents.js";
import type { Tensor } from "../tensor.js";

/**
 * How well one class is told by one latent. `apLatent` is the latent with the best average precision (−1: no latent fires in
 * the class), `f1Latent` the one with the best F1 of "it is at or above `threshold`", which lies above 0. `baseRate`, the
 * class's share, is the average precision of chance. Equals go to the lower latent.
 */
export type ClassProbe = NativeClassProbe;

export interface ProbeResult {
  /** Pictures, or patches, with a label that were used. */
  readonly units: number;
  /** How many there were. With more active latents than `maxEntries` a sample is used. */
  readonly seen: number;
  /** By number of the class. */
  readonly classes: readonly ClassProbe[];
}

export interface LatentProbesOptions {
  readonly nClasses: number;
  /** Active latents of all units together that are kept, 20 bytes each at the end. Default 16 Mi. */
  readonly maxEntries?: number;
  /** Of the sample. Default 0. */
  readonly seed?: number;
}

/**
 * One-latent probes: for every class the latent that tells it best. A unit is what has a class: a picture, for which a
 * latent's value is the largest of its patches, or a patch. Average precision is Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct
 * values, descending, silent units at 0.
 */
export class LatentProbes extends Resource<"LatentProbes"> {
  /** @throws SaevError `INVALID_ARGUMENT`. */
  static create(
    dSae: number,
    { nClasses, maxEntries = 2 ** 24, seed = 0 }: LatentProbesOptions,
  ): LatentProbes {
    return new LatentProbes(callSync(() => addon().latentProbes({ dSae, nClasses, maxEntries, seed })));
  }

  /**
   * Adds a batch.
   * @param units int64 [rows], ascending; rows of a unit lie next to each other and may go on in the next batch.
   * @param labels int32 [rows]: the class of the row's unit; −1: none, the unit is left out.
   * @throws SaevError `SHAPE_MISMATCH`, `INVALID_ARGUMENT`; nothing is added then.
   */
  async add(latents: Latents, units: Tensor, labels: Tensor, options?: LongCallOptions): Promise<void> {
    this.alive();
    const native = {
      rowStart: latents.rowStart.handle,
      latent: latents.latent.handle,
      value: latents.value.handle,
    };
    await callAsync(options, (control) =>
      addon().latentProbesAdd(this.handle, native, units.handle, labels.handle, control),
    );
  }

  /** Ranks what was added; nothing can be added afterwards. */
  async finish(options?: LongCallOptions): Promise<ProbeResult> {
    this.alive();
    return callAsync(options, (control) => addon().latentProbesFinish(this.handle, control));
  }
}
