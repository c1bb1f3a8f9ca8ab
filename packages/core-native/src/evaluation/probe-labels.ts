import type { ReportedProbe, ReportedProbes } from "@saev/config";
import type { ActivationBatch } from "../loading/batch-source.js";
import type { LongCallOptions } from "../native/call.js";
import type { Latents } from "../sae/latents.js";
import { Tensor } from "../tensor.js";
import type { Labels } from "./label-sources.js";
import { type ClassProbe, LatentProbes } from "./latent-probes.js";

/** One-latent probes of the classes of images or of patches, fed batch by batch. */
export class LabelProbes implements Disposable {
  readonly #probes: LatentProbes;

  /** @param patches patches of an image where labels are of patches, else undefined. */
  constructor(
    dSae: number,
    private readonly labels: Labels,
    private readonly patches: number | undefined,
    seed: number,
  ) {
    this.#probes = LatentProbes.create(dSae, { nClasses: labels.classes.length, seed });
  }

  async add(batch: ActivationBatch, latents: Latents, options: LongCallOptions): Promise<void> {
    const images = batch.imageI.toTypedArray() as BigInt64Array;
    const labels = new Int32Array(images.length);
    if (this.patches === undefined) {
      for (let r = 0; r < labels.length; r++) labels[r] = this.labels.of[Number(images[r])]!;
    } else {
      const patches = batch.patchI.toTypedArray() as BigInt64Array;
      for (let r = 0; r < labels.length; r++)
        labels[r] = this.labels.of[Number(images[r]) * this.patches + Number(patches[r])]!;
    }
    using of = Tensor.from(labels);
    await this.#probes.add(latents, this.patches === undefined ? batch.imageI : batch.index, of, options);
  }

  async finish(options: LongCallOptions): Promise<ReportedProbes> {
    const { units, seen, classes } = await this.#probes.finish(options);
    const reported = classes.flatMap((probe, c) =>
      probe.n > 0 ? [reportedProbe(probe, this.labels.classes[c]!)] : [],
    );
    const mean = (value: (probe: ReportedProbe) => number) =>
      reported.length === 0 ? null : reported.reduce((sum, p) => sum + value(p), 0) / reported.length;
    return {
      units,
      seen,
      mean_average_precision: mean((p) => p.best_by_ap?.average_precision ?? p.base_rate),
      mean_f1: mean((p) => p.best_by_f1?.f1 ?? 0),
      mean_base_rate: mean((p) => p.base_rate),
      classes: reported,
    };
  }

  [Symbol.dispose](): void {
    this.#probes.dispose();
  }
}

/** Rounding may lift a share over 1 by a bit. */
const share = (x: number): number => Math.min(1, x);

const reportedProbe = (p: ClassProbe, name: string): ReportedProbe => ({
  class: name,
  n: p.n,
  base_rate: p.baseRate,
  best_by_ap: p.apLatent < 0 ? null : { latent: p.apLatent, average_precision: share(p.averagePrecision) },
  best_by_f1:
    p.f1Latent < 0
      ? null
      : {
          latent: p.f1Latent,
          f1: share(p.f1),
          precision: share(p.precision),
          recall: share(p.recall),
          threshold: p.threshold,
        },
});
