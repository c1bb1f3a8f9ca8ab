import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";

/** What a file's bytes must hash to. */
export interface Digest {
  /** "sha256"; "git-sha1": git's name of a blob with these bytes, as the hub's ETag of a small file. */
  readonly kind: "sha256" | "git-sha1";
  /** Hexadecimal; a SHA-256 may be given by its beginning. */
  readonly hex: string;
}

/** A file on its way: grows under a name of its own, is hashed as it grows, gets its real name when it is right. */
export class PartialFile {
  #hash: Hash;

  private constructor(
    readonly file: string,
    readonly size: number | undefined,
    readonly digest: Digest | undefined,
    private readonly handle: FileHandle,
    private written: number,
  ) {
    this.#hash = this.#freshHash();
  }

  /** Opens what an earlier attempt left at `file`, or a new one. */
  static async open(
    file: string,
    size: number | undefined,
    digest: Digest | undefined,
  ): Promise<PartialFile> {
    const handle = await open(file, "a+");
    const partial = new PartialFile(file, size, digest, handle, 0);
    try {
      const { size: there } = await handle.stat();
      if (there > 0 && size !== undefined && there <= size) {
        for await (const chunk of createReadStream(file)) partial.#hash.update(chunk as Buffer);
        partial.written = there;
      } else if (there > 0) await handle.truncate(0);
      return partial;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes that are there. */
  get length(): number {
    return this.written;
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; ) {
      const { bytesWritten } = await this.handle.write(chunk, at);
      at += bytesWritten;
    }
    this.#hash.update(chunk);
    this.written += chunk.byteLength;
  }

  /** Starts from nothing. */
  async reset(): Promise<void> {
    await this.handle.truncate(0);
    this.written = 0;
    this.#hash = this.#freshHash();
  }

  /** What is wrong with the bytes, or undefined. */
  problem(): string | undefined {
    if (this.size !== undefined && this.written !== this.size) {
      return `expected ${this.size} bytes, found ${this.written}`;
    }
    if (!this.digest) return undefined;
    const found = this.#hash.copy().digest("hex");
    if (found.startsWith(this.digest.hex.toLowerCase())) return undefined;
    return `expected bytes with ${this.digest.kind} ${this.digest.hex}, found ${found}`;
  }

  /** Syncs and renames. Call {@link problem} first. */
  async finish(target: string): Promise<void> {
    await this.handle.sync();
    await rename(this.file, target);
    const folder = await open(path.dirname(target), "r");
    await folder.sync().catch(() => {});
    await folder.close();
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }

  #freshHash(): Hash {
    if (this.digest?.kind !== "git-sha1") return createHash("sha256");
    if (this.size === undefined) throw new SaevError("INTERNAL", "a git hash needs the file's size");
    return createHash("sha1").update(`blob ${this.size}\0`);
  }
}
