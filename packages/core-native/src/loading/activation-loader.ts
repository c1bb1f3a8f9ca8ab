import { availableParallelism } from "node:os";
import type { DataLoad } from "@saev/config";
import { SaevError } from "../errors.js";
import { readTensor } from "../io/tensor-file.js";
import type { NativeShardSource, NativeShardSourceOptions } from "../native/batch-source.js";
import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { Tensor } from "../tensor.js";
import { BatchSource } from "./batch-source.js";

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
   * Threads that read. With 0 a batch is read when it is asked for; otherwise the next one is read while this one is
   * used. Default: all cores; more than there are is the same as all.
   */
  readonly nWorkers?: number;
  /** Where warnings go. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}

/** Activations above this magnitude among the samples mean outlier dimensions that dominate mean and norm. */
const suspicious = 1000;

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
    using actMean =
      typeof config.scale_mean === "string" ? await loadMean(config.scale_mean, metadata.d_vit) : undefined;
    const scalar = typeof config.scale_norm === "string" ? await loadScalar(config.scale_norm) : 1;
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
      leftOut: folder.holes,
      patches: config.patches,
      ...chooseLayer(config.layer, metadata.layers, folder.dir),
      clamp: config.clamp,
      scalar,
      ...(actMean && { actMean: actMean.handle }),
      computeMean: config.scale_mean === true,
      computeScalar: config.scale_norm === true,
      nRandomSamples: config.n_random_samples,
      order: options.order ?? "shuffled",
      seed: options.seed ?? 0,
      buffer: options.buffer ?? 0,
      threads: Math.min(Math.max(nWorkers, 1), availableParallelism()),
      prefetch: nWorkers > 0,
    };
    const opened = await callAsync(options, (control) => addon().shardSourceOpen(control, native));
    if (opened.largestSample > suspicious) {
      const warn =
        options.warn ?? ((message: string) => process.emitWarning(message, { code: "SAEV_OUTLIERS" }));
      warn(
        `${folder.dir}: an activation of ${opened.largestSample.toPrecision(4)} is among the ${opened.nSamples} rows ` +
          `sampled for the scaling; consider a smaller clamp than ${config.clamp}`,
      );
    }
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

function chooseLayer(
  layer: DataLoad["layer"],
  recorded: readonly number[],
  dir: string,
): Pick<NativeShardSourceOptions, "layers" | "layer"> {
  if (layer === "all" || layer === "meanpool") return { layers: layer, layer: 0 };
  const position = recorded.indexOf(layer);
  if (position >= 0) return { layers: "one", layer: position };
  throw new SaevError(
    "INVALID_ARGUMENT",
    `layer: ${layer} was not recorded in ${dir}, which holds ${recorded.join(", ")}; ` +
      `choose one of them, "all" or "meanpool"`,
  );
}

async function loadMean(file: string, dVit: number): Promise<Tensor> {
  const mean = await readTensor(file);
  if (mean.dtype === "float32" && mean.size === dVit) return mean;
  throw new SaevError(
    "SHAPE_MISMATCH",
    `scale_mean: ${file}: expected ${dVit} float32 values, found ${mean.dtype} [${mean.shape.join(", ")}]`,
  );
}

async function loadScalar(file: string): Promise<number> {
  using norm = await readTensor(file);
  const value = norm.dtype === "float32" && norm.size === 1 ? norm.toFloat32Array()[0]! : Number.NaN;
  if (value > 0 && Number.isFinite(value)) return value;
  throw new SaevError(
    "SHAPE_MISMATCH",
    `scale_norm: ${file}: expected one float32 value above 0, found ${norm.dtype} [${norm.shape.join(", ")}]` +
      (norm.size === 1 ? ` of ${value}` : ""),
  );
}
