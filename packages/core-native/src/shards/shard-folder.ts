import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { ConfigError, type Metadata, parseMetadata } from "@saev/config";
import { SaevError } from "../errors.js";
import { parseShardStatus, type ShardStatus } from "./shard-status.js";

/** A folder of recorded activations: what it holds and how it lies on disk. Opening it reads no activations. */
export class ShardFolder {
  /**
   * Reads `metadata.json` and, where there is one, `saev.json`.
   * @param dir the folder with `metadata.json` and `acts*.bin`.
   * @throws SaevError `NOT_FOUND` with the shard folders inside `dir` when it is none itself, `BAD_FILE` for metadata
   * that make no sense, each mistake named.
   */
  static async open(dir: string): Promise<ShardFolder> {
    const file = path.join(dir, "metadata.json");
    const text = await readFile(file, "utf8").catch(async (error: NodeJS.ErrnoException) => {
      throw await notAFolderOfShards(dir, error);
    });
    const metadata = parseText(text, file);
    const status = await readStatus(dir, metadata);
    return new ShardFolder(dir, metadata, status);
  }

  private constructor(
    readonly dir: string,
    readonly metadata: Metadata,
    private readonly status: ShardStatus | undefined,
  ) {
    if (this.imagesPerShard < 1) {
      throw new SaevError(
        "BAD_FILE",
        `${path.join(dir, "metadata.json")}: one image has ${this.tokensPerImage * metadata.layers.length} activations, ` +
          `more than n_patches_per_shard = ${metadata.n_patches_per_shard}`,
      );
    }
  }

  /** Tokens of an image: its patches, and one more with CLS. */
  get tokensPerImage(): number {
    return this.metadata.n_patches_per_img + (this.metadata.cls_token ? 1 : 0);
  }

  /** Images in each `acts*.bin`. */
  get imagesPerShard(): number {
    const { n_patches_per_shard, layers } = this.metadata;
    return Math.floor(Math.floor(n_patches_per_shard / layers.length) / this.tokensPerImage);
  }

  /** Number of `acts*.bin` files. */
  get nShards(): number {
    return Math.ceil(this.metadata.n_imgs / this.imagesPerShard);
  }

  /** Size of each `acts*.bin` in bytes. */
  get bytesPerShard(): number {
    return this.imagesPerShard * this.metadata.layers.length * this.tokensPerImage * this.metadata.d_vit * 4;
  }

  /** Images that could not be read when this was recorded, ascending; their activations are zeros. */
  get holes(): readonly number[] {
    return this.status?.holes ?? [];
  }

  /** Images recorded so far; all of them in a folder of the Python package, which does not say. */
  get imagesDone(): number {
    return this.status?.imagesDone ?? this.metadata.n_imgs;
  }

  /** Whether the recording is finished. */
  get complete(): boolean {
    return this.status?.complete ?? true;
  }

  /** @throws SaevError `BAD_FILE` when the recording was not finished. */
  requireComplete(): void {
    if (this.complete) return;
    throw new SaevError(
      "BAD_FILE",
      `${this.dir}: only ${this.imagesDone} of ${this.metadata.n_imgs} images are recorded; ` +
        "run the same `saev activations` again to go on",
    );
  }
}

function parseText(text: string, file: string): Metadata {
  try {
    return parseMetadata(JSON.parse(text), { where: file });
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new SaevError("BAD_FILE", `${file}: expected JSON, found ${error.message}`, { cause: error });
    }
    if (error instanceof ConfigError) throw new SaevError("BAD_FILE", error.message, { cause: error });
    throw error;
  }
}

async function readStatus(dir: string, metadata: Metadata): Promise<ShardStatus | undefined> {
  const file = path.join(dir, "saev.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  return text === undefined ? undefined : parseShardStatus(text, file, metadata.n_imgs);
}

async function notAFolderOfShards(dir: string, error: NodeJS.ErrnoException): Promise<SaevError> {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") {
    return new SaevError("IO", `cannot read ${path.join(dir, "metadata.json")}: ${error.message}`, {
      cause: error,
    });
  }
  const names = await readdir(dir).catch(() => undefined);
  if (names === undefined) {
    return new SaevError("NOT_FOUND", `${dir} is no folder; expected one with metadata.json and acts*.bin`);
  }
  const inside = names.filter((name) => /^[0-9a-f]{64}$/.test(name));
  const hint =
    inside.length === 0
      ? "record activations with `saev activations` first"
      : `did you mean ${inside
          .slice(0, 3)
          .map((name) => path.join(dir, name))
          .join(" or ")}?`;
  return new SaevError("NOT_FOUND", `${dir} holds no metadata.json; ${hint}`);
}
