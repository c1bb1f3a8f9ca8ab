import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import type { NativeTopKInfo, NativeTopKTables } from "../native/top-k.js";
import { Tensor } from "../tensor.js";
import type { LatentExamples } from "./latent-examples.js";

/**
 * How images are ranked for a latent; a patch in which it does not fire counts as 0.
 * - `cls`: the value of the image's one row (its CLS token).
 * - `img`: the sum over the image's patches.
 * - `patch`: the largest patch. Every image appears once.
 *
 * Ties go to the lower image index. Images in which a latent is silent score 0 and take part, so that a ranking
 * always has `min(topK, images)` entries.
 */
export type SortBy = "cls" | "img" | "patch";

export interface TopKOptions {
  readonly sortBy: SortBy;
  /** Images kept per latent. Fewer when there are fewer images. */
  readonly topK: number;
  /** Patches of an image; 1 for `cls`. */
  readonly patches: number;
  /** Latents, from 0 on, whose values are all kept in `distributions`. Default 0. */
  readonly nDistributions?: number | undefined;
  /**
   * Size in bytes above which `distributions` holds a uniform random sample of the rows in place of all of them.
   * Default 1 GiB.
   */
  readonly maxDistributionBytes?: number | undefined;
  /**
   * Firing values (4 bytes each) kept for exact percentiles. With more, all latents are counted in bins, and
   * percentiles are within `percentileError`. Default 64 Mi.
   */
  readonly maxExactValues?: number | undefined;
  /** Of the samples: rows of `distributions`, images of `examples`. Default 0. */
  readonly seed?: number | undefined;
  /** Images kept for each latent of those in which it fires, see {@link LatentStatistics.examples}. Default 0: none. */
  readonly nExamples?: number | undefined;
  /** Images, of all, for which is kept which latents fire in them. Default 2048; without `nExamples` none. */
  readonly nSampledImages?: number | undefined;
}

/** @internal Options with every default, as the addon takes them. */
export function nativeTopKOptions(options: TopKOptions) {
  return {
    sortBy: options.sortBy,
    topK: options.topK,
    patches: options.patches,
    nDistributions: options.nDistributions ?? 0,
    maxDistributionBytes: options.maxDistributionBytes ?? 2 ** 30,
    maxExactValues: options.maxExactValues ?? 64 * 2 ** 20,
    seed: options.seed ?? 0,
    nExamples: options.nExamples ?? 0,
    nSampledImages: options.nSampledImages ?? 2048,
  };
}

/** Tables over all latents; `k` is {@link LatentStatistics.topK}. */
export type LatentTables = { readonly [K in keyof NativeTopKTables]: Tensor };

/** Counts of equal steps between `lo` and `hi`: of log10(f_x) when `log10`, else of f_x. Firing values only. */
export interface Histogram {
  readonly log10: boolean;
  readonly lo: number;
  readonly hi: number;
  readonly counts: readonly number[];
}

/** What each latent responds to, over all rows of a source: exact, and equal to the bit on any number of cores. */
export class LatentStatistics extends Resource<"TopKAccumulator"> {
  readonly #info: NativeTopKInfo;

  /** @internal */
  constructor(handle: Handle<"TopKAccumulator">) {
    super(handle);
    this.#info = callSync(() => addon().topKInfo(handle));
  }

  get dSae(): number {
    return this.#info.dSae;
  }
  /** Rows (patches, or CLS tokens) that were counted. */
  get rows(): number {
    return this.#info.rows;
  }
  get images(): number {
    return this.#info.images;
  }
  /** Images per latent: the option, or fewer when there are fewer images. */
  get topK(): number {
    return this.#info.topK;
  }
  get patches(): number {
    return this.#info.patches;
  }
  /** 0 when percentiles are exact, else the largest relative error they can have (1/256). */
  get percentileError(): number {
    return this.#info.percentileError;
  }
  /** Whether `distributions` holds a sample of the rows. */
  get distributionsSampled(): boolean {
    return this.#info.distributionsSampled;
  }

  /**
   * - `topScores` float32, `topImgI` and `topPatchI` int64, all `[d_sae, k]`, best first. `topPatchI` is the
   *   strongest patch, the first of equals.
   * - `firings` int64 `[d_sae]`: rows with f_x ≠ 0. `sparsity` float32: firings / rows. `meanValues` float32:
   *   sum / firings, NaN for a latent that never fires. `maxValues` float32: 0 for such a latent.
   * - `percentiles` float32 `[d_sae]`: the smallest v such that at least `percentile` % of **all** rows, silent ones
   *   included, have f_x ≤ v. So it is 0 for a latent that fires in fewer rows than that leaves.
   * - `distributions` float32 `[nDistributions, columns]`: f_x of the first latents, a column a row.
   *
   * @param percentile 0 to 100.
   */
  tables(percentile = 99): LatentTables {
    const native = callSync(() => addon().topKTables(this.handle, percentile));
    return Object.fromEntries(
      Object.entries(native).map(([name, tensor]) => [name, Tensor.fromHandle(tensor)]),
    ) as LatentTables;
  }

  /**
   * A uniform sample of the images in which each latent fires, and which latents fire in a sample of all images.
   * @throws SaevError `INVALID_ARGUMENT` without `nExamples`.
   */
  examples(): LatentExamples {
    const native = callSync(() => addon().topKExamples(this.handle));
    return Object.fromEntries(
      Object.entries(native).map(([name, tensor]) => [name, Tensor.fromHandle(tensor)]),
    ) as LatentExamples;
  }

  /** Patch values of a latent's top images, float32 `[k, patches]`; for `cls` the scores, `[k, 1]`. */
  patchValues(latent: number): Tensor {
    return Tensor.fromHandle(callSync(() => addon().topKPatchValues(this.handle, latent)));
  }

  /** How a latent's firing values are distributed. On a log scale unless some are negative. */
  histogram(latent: number, bins = 40): Histogram {
    return callSync(() => addon().topKHistogram(this.handle, latent, bins));
  }

  /** The p-th percentile of a latent's firing values; NaN when it never fires. */
  firingPercentile(latent: number, p: number): number {
    return callSync(() => addon().topKFiringPercentile(this.handle, latent, p));
  }

  /**
   * Writes `[d_sae, k, patches]` float32 (for `cls` `[d_sae, k]`) as `torch.load` reads it, latent by latent: the
   * table may be larger than memory. Nothing is left when it fails or is aborted.
   * @throws SaevError `IO` with the size when the disk has no room for it.
   */
  async writeTopValues(path: string, options?: LongCallOptions): Promise<void> {
    await callAsync(options, (control) => addon().topKWriteValues(this.handle, path, control));
  }
}

/** Statistics over latents that you compute yourself; `accumulateTopK` does it for a loader and an SAE. */
export class TopKAccumulator extends Resource<"TopKAccumulator"> {
  /**
   * @param options `rows`: how many rows will come in all.
   * @throws SaevError `INVALID_ARGUMENT`
   */
  static create(options: TopKOptions & { readonly dSae: number; readonly rows: number }): TopKAccumulator {
    const native = { ...nativeTopKOptions(options), dSae: options.dSae, rows: options.rows };
    return new TopKAccumulator(callSync(() => addon().topKCreate(native)));
  }

  /**
   * Adds rows in the order of images: all rows of an image next to each other, image numbers ascending. A batch may
   * begin and end inside an image. Runs on the calling thread: a few milliseconds for some thousand rows.
   * @param fX float32 `[rows, d_sae]`.
   * @param imageI int64 `[rows]`.
   * @param patchI int64 `[rows]`; leave it out for `cls`.
   * @throws SaevError `SHAPE_MISMATCH`, `INVALID_ARGUMENT` (order), `NUMERIC` (NaN or infinity).
   */
  add(fX: Tensor, imageI: Tensor, patchI?: Tensor): void {
    callSync(() => addon().topKAdd(this.handle, fX.handle, imageI.handle, patchI?.handle));
  }

  /** Ranks what is there. `add` must not be called afterwards. @throws when fewer rows came than announced. */
  finish(): LatentStatistics {
    callSync(() => addon().topKFinish(this.handle));
    return new LatentStatistics(this.handle);
  }

  private constructor(handle: Handle<"TopKAccumulator">) {
    super(handle);
  }
}
