import { availableParallelism } from "node:os";
import type { DataLoad } from "@saev/config";
import type { NativeShardSource, NativeShardSourceOptions } from "../native/batch-source.js";
import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { Tensor } from "../tensor.js";
import { BatchSource } from "./batch-source.js";
import { chooseRows } from "./row-choice.js";
import { type RowScaling, startScaling, warnOfOutliers } from "./row-scaling.js";

export interface ActivationLoaderOptions extends LongCallOptions {
  /** "ordered": as on disk. "shuffled" (default): every row once an epoch, each epoch in another order. */
  readonly order?: "ordered" | "shuffled";
  /** Chooses the shuffled order. Default 0. */
  readonly seed?: number;
  /**
   * Rows of a shuffle buffer, for shuffled activations that do not fit in memory: 1 MiB is read at a time, chunks in a
   * shuffled order, and rows leave the buffer shuffled; every row still comes once an epoch. Takes `buffer · dVit · 4`
   * bytes. Default 0: the order of rows is wholly random, and each is read where it lies.
   */
  readonly buffer?: number;
  /**
   * Images whose rows are shuffled together, the images being shuffled before: the order of a `LiveLoader` whose buffer holds
   * twice so many. Default 0: all of them.
   */
  readonly imagesPerBlock?: number;
  /**
   * Threads that read. With 0 a batch is read when it is asked for; otherwise the next one is read while this one is
   * used. Default: all cores; more than there are is the same as all.
   */
  readonly nWorkers?: number;
  /** Where warnings go. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
  /** Images whose rows are left out, of the epochs and of the scaling. Default: none. */
  readonly leaveOut?: readonly number[];
  /** The scaling of other activations, in place of one of these. */
  readonly scaling?: RowScaling;
}

/**
 * Reads recorded activations: `act = (clamp(x) − actMean) / scalar`, in one pass over mapped shards. All nine
 * combinations of `patches` and `layer` work; a mean over patches or layers is taken before clamping.
 */
export class ActivationLoader extends BatchSource {
  /**
   * Opens `config.shard_root` and computes or loads the scaling.
   *
   * - `scale_mean` true: the mean of a sample of `n_random_samples` rows; a path: a float32 tensor `[dVit]` in a file
   *   of one tensor; false: zeros.
   * - `scale_norm` true: `scalar` = mean of ‖x − actMean‖ / √dVit over the sample; a path: a float32 tensor of one
   *   element; false: 1.
   *
   * The sample is the one that the Python package draws: NumPy's `default_rng(42).permutation`.
   * @throws SaevError `BAD_FILE` for shards that do not fit their metadata, `INVALID_ARGUMENT` for a layer that was not
   * recorded, `NUMERIC` for activations that are not finite.
   */
  static async open(config: DataLoad, options: ActivationLoaderOptions = {}): Promise<ActivationLoader> {
    const folder = await ShardFolder.open(config.shard_root);
    folder.requireComplete();
    const { metadata } = folder;
    using scaling = await startScaling(config, metadata.d_vit, options.scaling);
    const choice = chooseRows(config, metadata.layers, folder.dir);
    const leftOut = [...new Set([...folder.holes, ...(options.leaveOut ?? [])])];
    const nWorkers = options.nWorkers ?? availableParallelism();
    const native: NativeShardSourceOptions = {
      dir: folder.dir,
      nImgs: folder.imagesDone,
      nLayers: metadata.layers.length,
      nTokens: folder.tokensPerImage,
      dVit: metadata.d_vit,
      imgsPerShard: folder.imagesPerShard,
      dtype: folder.layout.dtype,
      clsToken: metadata.cls_token,
      shortLast: folder.format === "protocol-2.1",
      leftOut,
      ...choice,
      clamp: config.clamp,
      ...scaling.native,
      ...scaling.request,
      order: options.order ?? "shuffled",
      seed: options.seed ?? 0,
      buffer: options.buffer ?? 0,
      imagesPerBlock: options.imagesPerBlock ?? 0,
      threads: Math.min(Math.max(nWorkers, 1), availableParallelism()),
      prefetch: nWorkers > 0,
    };
    const opened = await callAsync(options, (control) => addon().shardSourceOpen(control, native));
    warnOfOutliers(folder.dir, config, opened, options.warn);
    return new ActivationLoader(opened, config, folder);
  }

  /** The mean that is subtracted, float32 `[dVit]`. */
  readonly actMean: Tensor;
  /** What centred activations are divided by. */
  readonly scalar: number;
  /** The shards behind this loader. */
  readonly folder: ShardFolder;
  readonly config: DataLoad;

  private constructor(opened: NativeShardSource, config: DataLoad, folder: ShardFolder) {
    super(opened.source);
    this.actMean = Tensor.fromHandle(opened.actMean);
    this.scalar = opened.scalar;
    this.config = config;
    this.folder = folder;
  }

  override dispose(): void {
    super.dispose();
    this.actMean.dispose();
  }
}
