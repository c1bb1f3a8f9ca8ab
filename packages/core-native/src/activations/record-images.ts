import type { ResolvedActivations } from "@saev/config";
import type { ImageDataset } from "../images/image-dataset.js";
import type { ShardWriter } from "../shards/shard-writer.js";
import type { ViT } from "../vit/vit.js";
import { BatchDecoder, type DecodedBatch } from "./batch-decoder.js";
import type { RecordOptions } from "./record.js";

export interface ImagesToRecord {
  /** Images `[from, to)` of the dataset are the writer's. */
  readonly from: number;
  readonly to: number;
  /** The first that it does not have. */
  readonly start: number;
}

export interface RecordingParts {
  readonly cfg: ResolvedActivations;
  readonly vit: ViT;
  /** The layers to record, from 0. */
  readonly layers: readonly number[];
  readonly writer: ShardWriter;
  readonly dataset: ImageDataset;
  readonly options: RecordOptions;
  readonly warn: (message: string) => void;
}

/**
 * Puts images through the ViT and into the writer. Three steps at once: the next batch is decoded and the last one written
 * while the ViT computes this one.
 *
 * Batches begin at multiples of `vit_batch_size`, wherever the images do: sums of products are rounded as the size of a
 * product has it, and so the bits of an activation depend on its batch. Images of a batch that are not the writer's are
 * computed and left out.
 *
 * When it fails, whole batches that were written are kept.
 */
export async function recordImages(images: ImagesToRecord, parts: RecordingParts): Promise<void> {
  try {
    await record(images, parts);
  } catch (error) {
    // A failing disk has its say already.
    await parts.writer.checkpoint().catch(() => {});
    throw error;
  }
}

async function record({ from: first, to, start }: ImagesToRecord, parts: RecordingParts): Promise<void> {
  const { cfg, vit, layers, writer, dataset, options } = parts;
  const { signal } = options;
  const size = cfg.vit_batch_size;
  const decoder = new BatchDecoder(dataset, vit, {
    workers: Math.max(1, cfg.n_workers),
    onBadImage: options.onBadImage ?? "error",
    signal,
    maxPixels: options.maxPixels,
  });
  const began = performance.now();
  const decode = (from: number): Promise<DecodedBatch> | undefined => {
    if (from >= to) return undefined;
    const batch = decoder.batch(from, Math.min(size, dataset.length - from));
    batch.catch(() => {}); // its failure is seen when its turn comes
    return batch;
  };
  let ahead: Promise<DecodedBatch> | undefined;
  let writing: Promise<void> | undefined;
  try {
    for (let from = start - (start % size); from < to && start < to; from += size) {
      const batch = await (ahead ?? decode(from)!);
      ahead = cfg.n_workers > 0 ? decode(from + size) : undefined;
      using input = batch.input;
      const begin = Math.max(start, from);
      const end = Math.min(to, from + batch.n);
      const bad = batch.bad.filter(({ index }) => index >= begin && index < end);
      for (const image of bad) parts.warn(`skipped: ${image.reason}`);
      using acts = await vit.record(input, layers, { signal });
      await writing;
      const own = acts.narrow(0, begin - from, end - begin);
      const holes = bad.map(({ index }) => index - begin);
      writing = writer.write(own, { signal, holes }).finally(() => own.dispose());
      writing.catch(() => {});
      const seconds = (performance.now() - began) / 1000;
      options.onProgress?.({
        done: end - first,
        total: to - first,
        imagesPerSecond: (end - start) / seconds,
      });
    }
    await writing;
  } finally {
    const [left] = await Promise.allSettled([ahead, writing]);
    if (left?.status === "fulfilled" && left.value && !left.value.input.disposed) left.value.input.dispose();
  }
}
