import { access } from "node:fs/promises";
import { SaevError } from "../errors.js";
import { decodeImage, defaultMaxPixels } from "../images/decode.js";
import type { ImageDataset } from "../images/image-dataset.js";
import type { Tensor } from "../tensor.js";
import type { ViT } from "../vit/vit.js";

/** A picture that could not be read. */
export interface BadImage {
  /** Its place in the dataset. */
  readonly index: number;
  readonly path: string;
  /** Why, in one line. */
  readonly reason: string;
}

/** Pictures [from, from + n), decoded and transformed. */
export interface DecodedBatch {
  readonly from: number;
  readonly n: number;
  /** float32 [n, 3, height, width]; the rows of bad pictures are zeros. */
  readonly input: Tensor;
  readonly bad: readonly BadImage[];
}

export interface BatchDecoderOptions {
  /** Pictures decoded at a time, at least 1. */
  readonly workers: number;
  readonly onBadImage: "error" | "skip";
  readonly signal: AbortSignal | undefined;
  /** As in `DecodeOptions`. */
  readonly maxPixels: number | undefined;
}

/** Decodes batches of a dataset for one model. */
export class BatchDecoder {
  constructor(
    readonly dataset: ImageDataset,
    readonly vit: ViT,
    readonly options: BatchDecoderOptions,
  ) {}

  /**
   * Decodes pictures [from, from + n), several at a time, each on a thread of its own.
   * @throws SaevError of the first picture that cannot be read, unless bad pictures are skipped.
   */
  async batch(from: number, n: number): Promise<DecodedBatch> {
    const input = this.vit.emptyBatch(n);
    const bad: BadImage[] = [];
    let next = 0;
    let failed = false;
    const work = async () => {
      while (next < n && !failed) {
        const row = next++;
        try {
          await this.#one(from + row, input, row);
        } catch (error) {
          const reason = await this.#excuse(error, from + row);
          if (reason === undefined) {
            failed = true;
            throw error;
          }
          bad.push(reason);
        }
      }
    };
    const workers = Array.from({ length: Math.min(this.options.workers, n) }, work);
    const ends = await Promise.allSettled(workers);
    const failure = ends.find((end) => end.status === "rejected");
    if (failure) {
      input.dispose();
      throw failure.reason;
    }
    bad.sort((a, b) => a.index - b.index);
    return { from, n, input, bad };
  }

  async #one(index: number, input: Tensor, row: number): Promise<void> {
    const { signal, maxPixels } = this.options;
    signal?.throwIfAborted();
    const source = await this.dataset.image(index);
    const most = maxPixels ?? defaultMaxPixels();
    if (await this.vit.preprocessJpegInto(source, input, row, { signal, maxPixels: most })) return;
    const name = this.dataset.where(index);
    const pixels = await decodeImage(source, { name, signal, maxPixels });
    await this.vit.preprocessInto(pixels, input, row, { signal });
  }

  /** The picture as a bad one, or nothing when the error must stop the recording. */
  async #excuse(error: unknown, index: number): Promise<BadImage | undefined> {
    if (this.options.onBadImage !== "skip" || !(error instanceof SaevError)) return undefined;
    if (!["BAD_FILE", "NOT_FOUND", "IO", "UNSUPPORTED", "INVALID_ARGUMENT"].includes(error.code))
      return undefined;
    // A disk that went away is no bad picture: without this, all the rest would become holes.
    const there = await access(this.dataset.root).then(
      () => true,
      () => false,
    );
    if (!there) return undefined;
    return { index, path: this.dataset.where(index), reason: error.message };
  }
}
