import { type FileHandle, open, stat } from "node:fs/promises";
import path from "node:path";
import { type Metadata, metadataHash } from "@saev/config";
import { SaevError } from "../errors.js";
import { type ShardLayout, shardName, storedBytes } from "./layout.js";
import { type PartStatus, partsText } from "./part-status.js";
import { type Protocol21Metadata, protocol21Hash } from "./protocol21.js";
import { readShardFolder, type ShardFolderFiles, shardFileError } from "./read-shard-folder.js";
import { storedValues } from "./stored-values.js";

/** How a shard folder is written down: the document's way (June 2025), or the Python package's present one. */
export type ShardFormat = "document" | "protocol-2.1";

/** A folder of recorded activations: what it holds and how it lies on disk. Opening it reads no activations. */
export class ShardFolder {
  /**
   * Reads `metadata.json`, of either layout of the Python package, and, where they are, `shards.json` and `saev.json`.
   * @param dir the folder with `metadata.json` and `acts*.bin`.
   * @throws SaevError `NOT_FOUND` with the shard folders inside `dir` when it is none itself, `BAD_FILE` for metadata
   * that make no sense, each mistake named.
   */
  static async open(dir: string): Promise<ShardFolder> {
    return new ShardFolder(dir, await readShardFolder(dir));
  }

  private constructor(
    readonly dir: string,
    private readonly files: ShardFolderFiles,
  ) {}

  /** In the document's words, whichever the layout. */
  get metadata(): Metadata {
    return this.files.metadata;
  }

  /** How the activations lie in the files. */
  get layout(): ShardLayout {
    return this.files.layout;
  }

  /** metadata.json as it is, in a folder of the present layout. */
  get protocol21(): Protocol21Metadata | undefined {
    return this.files.protocol21;
  }

  /** Of an unfinished recording, the parts that several processes began. */
  get parts(): readonly PartStatus[] {
    return this.files.parts;
  }

  /** Which of the Python package's two layouts this is. */
  get format(): ShardFormat {
    return this.protocol21 ? "protocol-2.1" : "document";
  }

  /**
   * What the folder's name should be: the hash of its metadata, of which the present layout takes the first 8 digits. A
   * renamed folder works all the same.
   */
  get hash(): string {
    return this.protocol21 ? protocol21Hash(this.protocol21).slice(0, 8) : metadataHash(this.metadata);
  }

  /** Whether the folder has the name that its metadata give it. */
  get hasOwnName(): boolean {
    const name = path.basename(path.resolve(this.dir));
    return name === this.hash || (this.protocol21 !== undefined && name === protocol21Hash(this.protocol21));
  }

  /** Tokens of an image: its patches, and one more with CLS. */
  get tokensPerImage(): number {
    return this.layout.nTokens;
  }

  /** Images in each `acts*.bin`. */
  get imagesPerShard(): number {
    return this.layout.nImgsPerShard;
  }

  /** Number of `acts*.bin` files that the recorded images take. */
  get nShards(): number {
    return Math.ceil(this.imagesDone / this.imagesPerShard);
  }

  /** Size of each `acts*.bin` in bytes. */
  get bytesPerShard(): number {
    return this.layout.bytesPerShard;
  }

  /** Images in the file number `shard`. */
  imagesIn(shard: number): number {
    const { nImgsPerShard } = this.layout;
    return Math.max(0, Math.min(nImgsPerShard, this.imagesDone - shard * nImgsPerShard));
  }

  /** Whether a file may have this size: in the present layout, the last may end after its last image. */
  sizeFits(shard: number, size: number): boolean {
    const short = this.format === "protocol-2.1" && shard === this.nShards - 1;
    return size === this.bytesPerShard || (short && size === this.imagesIn(shard) * this.layout.bytesPerImg);
  }

  /** Whether the folder is the Python package's: it has no `saev.json`. */
  get unmarked(): boolean {
    return this.files.status === undefined;
  }

  /** Images that could not be read when this was recorded, ascending; their activations are zeros. */
  get holes(): readonly number[] {
    return this.files.status?.holes ?? [];
  }

  /** What the model's products multiplied; undefined where the folder does not say. */
  get computeDtype(): "float32" | "bfloat16" | undefined {
    return this.files.status?.computeDtype;
  }

  /**
   * Images `[0, imagesDone)` are recorded. All of them in a folder of the Python package, which does not say. In a complete
   * folder there may be fewer than `n_imgs`, which counts every file of an image folder, images or not.
   */
  get imagesDone(): number {
    return this.files.status?.imagesDone ?? this.files.listed ?? this.metadata.n_imgs;
  }

  /** Whether the recording is finished. */
  get complete(): boolean {
    return (
      this.files.status?.complete ??
      (this.files.listed === undefined || this.files.listed === this.metadata.n_imgs)
    );
  }

  /** What an unfinished recording has, and how to go on; undefined for a finished one. */
  get unfinished(): string | undefined {
    if (this.complete) return undefined;
    if (this.parts.length > 0)
      return `${partsText(this.parts)}; run \`saev activations\` again for these, or for any part if none is missing`;
    return `only ${this.imagesDone} of ${this.metadata.n_imgs} images are recorded; run the same \`saev activations\` again to go on`;
  }

  /** @throws SaevError `BAD_FILE` when the recording was not finished. */
  requireComplete(): void {
    const { unfinished } = this;
    if (unfinished !== undefined) throw new SaevError("BAD_FILE", `${this.dir}: ${unfinished}`);
  }

  /**
   * Checks that every file is there in full size. Files of others are no matter, nor is one more shard of zeros, which
   * the Python package writes when the images fill the last one.
   * @throws SaevError `NOT_FOUND` for a missing file, `BAD_FILE` for one of another size.
   */
  async checkFiles(): Promise<void> {
    for (let shard = 0; shard < this.nShards; shard++) {
      const file = path.join(this.dir, shardName(shard));
      const { size } = await stat(file).catch((error: unknown) => {
        throw shardFileError(error, file);
      });
      if (this.sizeFits(shard, size)) continue;
      throw new SaevError(
        "BAD_FILE",
        `${file}: expected ${this.bytesPerShard} bytes from metadata.json, found ${size}; run the same \`saev activations\` again`,
      );
    }
  }

  /** Place of a recorded layer, named as in the metadata (as −2), in the layer dimension. */
  layerPlace(layer: number): number {
    const place = this.metadata.layers.indexOf(layer);
    if (place >= 0) return place;
    throw new SaevError(
      "INVALID_ARGUMENT",
      `layer: ${layer} was not recorded in ${this.dir}, which holds ${this.metadata.layers.join(", ")}`,
    );
  }

  /** Where an image's activations lie. */
  locate(image: number): { file: string; offset: number } {
    if (!Number.isInteger(image) || image < 0 || image >= this.imagesDone) {
      throw new SaevError("INVALID_ARGUMENT", `image: expected 0 to ${this.imagesDone - 1}, found ${image}`);
    }
    const { nImgsPerShard, bytesPerImg } = this.layout;
    return {
      file: path.join(this.dir, shardName(Math.floor(image / nImgsPerShard))),
      offset: (image % nImgsPerShard) * bytesPerImg,
    };
  }

  /** One image's activations, `[layers, tokens, dVit]` in C order. For many rows use `ActivationLoader`. */
  async readImage(image: number): Promise<Float32Array> {
    return this.readValues(image, 0, this.layout.bytesPerImg / storedBytes(this.layout.dtype));
  }

  /**
   * A part of one image's activations: `count` values from value `first` of `[layers, tokens, dVit]` on.
   * @throws SaevError `INVALID_ARGUMENT` for an image, or values, that are not there; `BAD_FILE`, `IO`.
   */
  async readValues(image: number, first: number, count: number): Promise<Float32Array> {
    const each = storedBytes(this.layout.dtype);
    const total = this.layout.bytesPerImg / each;
    if (
      !(
        Number.isInteger(first) &&
        Number.isInteger(count) &&
        first >= 0 &&
        count >= 0 &&
        first + count <= total
      )
    )
      throw new SaevError(
        "INVALID_ARGUMENT",
        `values: expected some of 0 to ${total - 1}, found ${count} from ${first} on`,
      );
    const located = this.locate(image);
    const { file } = located;
    const offset = located.offset + first * each;
    const bytes = new Uint8Array(count * each);
    let handle: FileHandle | undefined;
    try {
      handle = await open(file);
      for (let at = 0; at < bytes.length; ) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, offset + at);
        if (bytesRead === 0) throw new SaevError("BAD_FILE", `${file} ends in the middle of image ${image}`);
        at += bytesRead;
      }
    } catch (error) {
      throw shardFileError(error, file);
    } finally {
      await handle?.close();
    }
    return storedValues(bytes, this.layout.dtype);
  }
}
