import { availableParallelism } from "node:os";
import type { TrainData } from "@saev/config";
import { BatchDecoder } from "../activations/batch-decoder.js";
import { SaevError } from "../errors.js";
import type { ImageDataset } from "../images/image-dataset.js";
import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import type { NativeLiveSourceOptions, NativeWant } from "../native/live-source.js";
import { addon } from "../native/load.js";
import { Tensor } from "../tensor.js";
import { resolveLayers } from "../vit/layers.js";
import type { ViT } from "../vit/vit.js";
import { BatchSource } from "./batch-source.js";
import { imagesPerBlock } from "./blocks.js";
import { chooseRows, rowsPerImage } from "./row-choice.js";
import { type RowScaling, startScaling, warnOfOutliers } from "./row-scaling.js";

/** What live activations come from. A loader does not own it. */
export interface LiveImages {
  readonly vit: ViT;
  readonly dataset: ImageDataset;
}

export interface LiveLoaderOptions extends LongCallOptions {
  /** Rows in memory, each of `dVit · 4` bytes. Default: 1 GB of them. */
  readonly buffer?: number;
  /** "ordered": by image. "shuffled" (default): as shards with the same images in a block are. */
  readonly order?: "ordered" | "shuffled";
  /** Chooses the shuffled order. Default 0. */
  readonly seed?: number;
  /** Pictures decoded at a time; with 0 one at a time, and not while the ViT computes. Default: all cores. */
  readonly nWorkers?: number;
  /** Numbers of the dataset's images to take, ascending. Default: all. */
  readonly images?: readonly number[];
  /** The scaling of other activations, in place of one of these. */
  readonly scaling?: RowScaling;
  /** Where warnings go. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}

/**
 * Activations of images that go through a ViT while the rows are used: the same rows in the same order as
 * {@link ActivationLoader} has of shards, with all rows or with `imagesPerBlock`. Memory holds the buffer and two batches of
 * pictures. Images that all fit the buffer go through the ViT once.
 *
 * The ViT runs from `open` to `dispose`, always up to the next block of images; a picture that cannot be read, or activations
 * that are not finite, reject whoever waits for their rows.
 */
export class LiveLoader extends BatchSource {
  /**
   * Starts the ViT. The scaling is found as in {@link ActivationLoader.open}, but where the images do not fit the buffer, the
   * sample is of the first block.
   * @throws SaevError `INVALID_ARGUMENT` for a layer that is not there, or a buffer that does not hold two images;
   * `BAD_FILE` and others for pictures, as `decodeImage`.
   */
  static async open(
    config: TrainData,
    from: LiveImages,
    options: LiveLoaderOptions = {},
  ): Promise<LiveLoader> {
    const { vit, dataset } = from;
    const layers = liveLayers(config, vit.nLayers);
    const choice = chooseRows(config, layers, `vit_layers of ${config.vit_ckpt}`);
    const images = options.images ?? Array.from({ length: dataset.length }, (_, i) => i);
    using scaling = await startScaling(config, vit.dVit, options.scaling);
    const sizes = {
      nImages: images.length,
      rowsPerImage: rowsPerImage(choice, vit.nPatches, layers.length),
      dVit: vit.dVit,
    };
    const native: NativeLiveSourceOptions = {
      images,
      nImgs: dataset.length,
      nLayers: layers.length,
      nTokens: vit.nTokens,
      dVit: vit.dVit,
      clsToken: vit.clsToken,
      ...choice,
      clamp: config.clamp,
      ...scaling.native,
      order: options.order ?? "shuffled",
      seed: options.seed ?? 0,
      imagesPerBlock: imagesPerBlock(options.buffer ?? 0, sizes),
      threads: availableParallelism(),
    };
    const opened = callSync(() => addon().liveSource(native));
    const loader = new LiveLoader(
      opened,
      config,
      { ...from, layers },
      options.nWorkers ?? availableParallelism(),
      native,
    );
    try {
      const scaled = await callAsync(options, (control) =>
        addon().liveFeedScale(opened.feed, scaling.request, control),
      );
      warnOfOutliers(dataset.root, config, scaled, options.warn);
      loader.#scaling = { actMean: Tensor.fromHandle(scaled.actMean), scalar: scaled.scalar };
      return loader;
    } catch (error) {
      loader.dispose();
      throw error;
    }
  }

  readonly #feed: Handle<"LiveFeed">;
  readonly #stop = new AbortController();
  #scaling: RowScaling | undefined;

  /** Numbers of the dataset's images that it takes. */
  readonly images: readonly number[];
  /** Images whose rows are shuffled together; 0: all. */
  readonly imagesPerBlock: number;

  private constructor(
    opened: { source: Handle<"BatchSource">; feed: Handle<"LiveFeed"> },
    private readonly config: TrainData,
    private readonly from: LiveImages & { readonly layers: readonly number[] },
    private readonly nWorkers: number,
    { images, imagesPerBlock }: NativeLiveSourceOptions,
  ) {
    super(opened.source);
    this.images = images;
    this.imagesPerBlock = imagesPerBlock;
    this.#feed = opened.feed;
    void this.#run();
  }

  /** The mean that is subtracted, float32 `[dVit]`. */
  get actMean(): Tensor {
    return this.#scaling!.actMean;
  }

  /** What centred activations are divided by. */
  get scalar(): number {
    return this.#scaling!.scalar;
  }

  /** Stops the ViT and gives the buffer's memory back; no rows can be read any more, the scaling stays. */
  release(): void {
    this.#stop.abort();
    if (!this.disposed) callSync(() => addon().liveFeedClose(this.#feed));
    super.dispose();
    callSync(() => addon().dispose(this.#feed));
  }

  /** Stops the ViT and gives all memory back. */
  override dispose(): void {
    this.release();
    this.#scaling?.actMean.dispose();
  }

  /** Records one block after the other; what goes wrong is for whoever waits for the rows. Never rejects. */
  async #run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      for (;;) {
        const want = await callAsync({ signal }, (control) => addon().liveFeedWant(this.#feed, control));
        if (want === null) return;
        await this.#record(want);
      }
    } catch (error) {
      if (signal.aborted) return;
      const code = error instanceof SaevError && error.code !== "ADDON_LOAD" ? error.code : "INTERNAL";
      addon().liveFeedFail(this.#feed, code, (error as Error).message ?? String(error));
    }
  }

  /** A block's images through the ViT, the next batch being decoded meanwhile; ends early when they are no longer wanted. */
  async #record({ block, images }: NativeWant): Promise<void> {
    const { signal } = this.#stop;
    const { vit, dataset, layers } = this.from;
    const { vit_batch_size: size } = this.config;
    const decoder = new BatchDecoder(picked(dataset, images), vit, {
      workers: Math.max(1, this.nWorkers),
      onBadImage: "error",
      signal,
      maxPixels: undefined,
    });
    const decode = (first: number) => {
      if (first >= images.length) return undefined;
      const batch = decoder.batch(first, Math.min(size, images.length - first));
      batch.catch(() => {}); // its failure is seen when its turn comes
      return batch;
    };
    let ahead = decode(0);
    try {
      for (let first = 0; first < images.length; first += size) {
        const { input } = await (ahead ?? decode(first)!);
        using _ = input;
        ahead = this.nWorkers > 0 ? decode(first + size) : undefined;
        using tokens = await vit.record(input, layers, { signal });
        const wanted = await callAsync({ signal }, (control) =>
          addon().liveFeedGive(this.#feed, block, first, tokens.handle, control),
        );
        if (!wanted) return;
      }
    } finally {
      const [left] = await Promise.allSettled([ahead]);
      if (left?.status === "fulfilled" && left.value && !left.value.input.disposed)
        left.value.input.dispose();
    }
  }
}

/**
 * The layers that are recorded for a config: those that it lists, else the one that `layer` names.
 * @throws SaevError `INVALID_ARGUMENT` where `layer` is about several and none are listed, or one is not the model's.
 */
export function liveLayers({ layer, vit_layers }: TrainData, nLayers: number): readonly number[] {
  if (vit_layers.length === 0 && typeof layer !== "number") {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `layer: "${layer}" is about several layers of the ViT; name them with vit_layers`,
    );
  }
  const layers = vit_layers.length > 0 ? vit_layers : [layer as number];
  resolveLayers(layers, nLayers);
  return layers;
}

/** Some images of a dataset, as one. */
const picked = (dataset: ImageDataset, images: readonly number[]): ImageDataset => ({
  length: images.length,
  classes: dataset.classes,
  root: dataset.root,
  where: (i) => dataset.where(images[i]!),
  label: (i) => dataset.label(images[i]!),
  image: (i) => dataset.image(images[i]!),
});
