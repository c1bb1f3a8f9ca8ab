import path from "node:path";
import { type Metadata, metadataHash, metadataText } from "@saev/config";
import type { Handle } from "../native/addon.js";
import { callAsync, callSync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";
import type { Tensor } from "../tensor.js";
import { type ShardLayout, shardLayout } from "./layout.js";

export interface ShardWriterOptions extends LongCallOptions {
  /** What the model multiplies; kept in saev.json, and the same in every run into a folder. Default: "float32". */
  readonly computeDtype?: "float32" | "bfloat16";
}

/**
 * Records activations into `<dumpTo>/<hash of the metadata>`, in the Python package's layout. Readers never see an
 * unfinished shard, and a run that dies at any instant, power cut included, goes on when it is run again:
 *
 * ```ts
 * using writer = await ShardWriter.open("./shards", metadata);
 * for (let image = writer.nextImage; image < metadata.n_imgs; image += batch) await writer.write(activations(image));
 * await writer.finish();
 * ```
 */
export class ShardWriter extends Resource<"ShardWriter"> {
  /** The shard folder. */
  readonly dir: string;
  readonly layout: ShardLayout;
  /** Calls run one after the other, in the order made. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(handle: Handle<"ShardWriter">, dir: string, layout: ShardLayout) {
    super(handle);
    this.dir = dir;
    this.layout = layout;
  }

  /**
   * Opens or creates the folder. A folder that the Python package finished is recognised and marked.
   * @throws SaevError `IO` when the folder cannot be written or another process records into it, `BAD_FILE` when its
   * metadata.json or saev.json is damaged, `INVALID_ARGUMENT` when a shard is too small for one image, or when images
   * in the folder were computed in another dtype.
   */
  static async open(dumpTo: string, metadata: Metadata, options?: ShardWriterOptions): Promise<ShardWriter> {
    const dir = path.join(dumpTo, metadataHash(metadata));
    return ShardWriter.openIn(dir, metadataText(metadata), shardLayout(metadata), options);
  }

  /** The same for a folder of any name, whose metadata.json has this text. */
  static async openIn(
    dir: string,
    metadata: string,
    layout: ShardLayout,
    options?: ShardWriterOptions,
  ): Promise<ShardWriter> {
    const { nImgs, nLayers, nTokens, dVit, nImgsPerShard, dtype } = layout;
    const handle = await callAsync(options, (control) =>
      addon().openShardWriter(
        dir,
        metadata,
        { nImgs, nLayers, nTokens, dVit, nImgsPerShard, dtype },
        options?.computeDtype ?? "float32",
        control,
      ),
    );
    return new ShardWriter(handle, dir, layout);
  }

  /** The first image that is not recorded yet: 0 in a new folder, more when an earlier run was cut short. */
  get nextImage(): number {
    return this.#info().nextImage;
  }

  /** Whether the folder is finished: there is nothing to do. */
  get complete(): boolean {
    return this.#info().complete;
  }

  /** Images stored as zeros because they could not be read, ascending, as far as they are on disk. */
  get holes(): readonly number[] {
    return this.#info().holes;
  }

  /**
   * Adds the next images, in order. Progress is kept at the ends of calls, so a rerun sees the same batches.
   * @param acts float32 `[images, layers, tokens, d_vit]`.
   * @param options.holes places within this batch, ascending, of images that could not be read: stored as zeros, listed
   * in saev.json, and left out by loaders.
   * @throws SaevError `NUMERIC` for a finite value that the metadata's dtype cannot hold; `IO` when the disk is full; what is durable stays, and opening the folder again goes on from there.
   */
  async write(acts: Tensor, options: LongCallOptions & { holes?: readonly number[] } = {}): Promise<void> {
    await this.#queue(() =>
      callAsync(options, (control) =>
        addon().shardWriterWrite(this.handle, acts.handle, options.holes ?? [], control),
      ),
    );
  }

  /** Makes everything written so far durable. Happens by itself every two seconds and whenever a shard fills. */
  async checkpoint(options?: LongCallOptions): Promise<void> {
    await this.#queue(() =>
      callAsync(options, (control) => addon().shardWriterCheckpoint(this.handle, control)),
    );
  }

  /**
   * Fills the last shard with zeros, gives it its name and marks the folder complete. Fewer images than `n_imgs` are
   * fine: the Python package counts every file of an image folder, images or not.
   */
  async finish(options?: LongCallOptions): Promise<void> {
    await this.#queue(() => callAsync(options, (control) => addon().shardWriterFinish(this.handle, control)));
  }

  /**
   * Marks a folder complete whose shards other writers recorded ({@link sealParts}) and put there.
   * @param images how many images they hold.
   * @param holes as {@link holes}.
   * @param sums SHA-256 of each shard, in order.
   * @throws SaevError `BAD_FILE` when a shard is missing, `INVALID_ARGUMENT` when this writer has images of its own.
   */
  async adopt(images: number, holes: readonly number[], sums: readonly string[]): Promise<void> {
    await this.#queue(() =>
      callAsync(undefined, (control) => addon().shardWriterAdopt(this.handle, images, holes, sums, control)),
    );
  }

  #info() {
    return callSync(() => addon().shardWriterInfo(this.handle));
  }

  #queue(call: () => Promise<void>): Promise<void> {
    const next = this.#last.then(call);
    this.#last = next.catch(() => {});
    return next;
  }
}
