import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";

interface Member {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  crc: number;
}

/** 1980-01-01: the same content gives the same bytes, whenever it is written. */
const date = 0x21;
const version = 45;
const big = 0xffffffff;

/**
 * Writes a ZIP file of stored members one after the other, each of a size that is known before: sizes and offsets are
 * 64 bit wide throughout, as NumPy's own `savez` has them, so that members and file may pass 4 GiB. The members' names
 * are ASCII.
 */
export class ZipWriter {
  #at = 0;
  readonly #members: Member[] = [];
  #open: { member: Member; end: number } | undefined;

  private constructor(private readonly file: FileHandle) {}

  /** Begins a file at `path`, in place of what is there. */
  static async create(path: string): Promise<ZipWriter> {
    return new ZipWriter(await open(path, "w"));
  }

  /** Begins a member of exactly `size` bytes. */
  async begin(name: string, size: number): Promise<void> {
    this.#mustBeDone();
    const member = { name, offset: this.#at, size, crc: 0 };
    await this.#put(localHeader(member));
    this.#members.push(member);
    this.#open = { member, end: this.#at + size };
  }

  /** The next bytes of the member. */
  async write(bytes: Uint8Array): Promise<void> {
    const { member } = this.#room(bytes.length);
    member.crc = crc32(bytes, member.crc);
    await this.#put(bytes);
  }

  /**
   * @internal Passes over `n` bytes of the member, which read as zeros, without writing them: with the checksum of
   * everything up to there, for tests of sizes that no disk should hold.
   */
  skip(n: number, crc: number): void {
    const { member } = this.#room(n);
    member.crc = crc;
    this.#at += n;
  }

  /** Ends the file: the directory, and everything on disk. */
  async finish(): Promise<void> {
    this.#mustBeDone();
    for (const member of this.#members)
      await this.file.write(localHeader(member), 0, undefined, member.offset);
    const start = this.#at;
    for (const member of this.#members) await this.#put(directoryEntry(member));
    await this.#put(endOfDirectory(this.#members.length, start, this.#at));
    await this.file.truncate(this.#at);
    await this.file.sync();
    await this.close();
  }

  /** Closes the file as it is. */
  async close(): Promise<void> {
    await this.file.close();
  }

  #room(n: number) {
    const current = this.#open;
    if (current === undefined || this.#at + n > current.end)
      throw new RangeError("more bytes than the member has");
    return current;
  }

  #mustBeDone(): void {
    if (this.#open !== undefined && this.#at !== this.#open.end)
      throw new RangeError(`${this.#open.member.name} ends before its size`);
  }

  async #put(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, this.#at);
      done += bytesWritten;
      this.#at += bytesWritten;
    }
  }
}

function localHeader({ name, size, crc }: Member): Buffer {
  const header = Buffer.alloc(30 + name.length + 20);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(version, 4);
  header.writeUInt16LE(date, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(big, 18);
  header.writeUInt32LE(big, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(20, 28);
  header.write(name, 30, "latin1");
  const extra = 30 + name.length;
  header.writeUInt16LE(1, extra);
  header.writeUInt16LE(16, extra + 2);
  header.writeBigUInt64LE(BigInt(size), extra + 4);
  header.writeBigUInt64LE(BigInt(size), extra + 12);
  return header;
}

function directoryEntry({ name, size, crc, offset }: Member): Buffer {
  const entry = Buffer.alloc(46 + name.length + 28);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(version, 4);
  entry.writeUInt16LE(version, 6);
  entry.writeUInt16LE(date, 14);
  entry.writeUInt32LE(crc, 16);
  entry.writeUInt32LE(big, 20);
  entry.writeUInt32LE(big, 24);
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt16LE(28, 30);
  entry.writeUInt32LE(big, 42);
  entry.write(name, 46, "latin1");
  const extra = 46 + name.length;
  entry.writeUInt16LE(1, extra);
  entry.writeUInt16LE(24, extra + 2);
  entry.writeBigUInt64LE(BigInt(size), extra + 4);
  entry.writeBigUInt64LE(BigInt(size), extra + 12);
  entry.writeBigUInt64LE(BigInt(offset), extra + 20);
  return entry;
}

function endOfDirectory(members: number, start: number, end: number): Buffer {
  const out = Buffer.alloc(56 + 20 + 22);
  out.writeUInt32LE(0x06064b50, 0);
  out.writeBigUInt64LE(44n, 4);
  out.writeUInt16LE(version, 12);
  out.writeUInt16LE(version, 14);
  out.writeBigUInt64LE(BigInt(members), 24);
  out.writeBigUInt64LE(BigInt(members), 32);
  out.writeBigUInt64LE(BigInt(end - start), 40);
  out.writeBigUInt64LE(BigInt(start), 48);
  out.writeUInt32LE(0x07064b50, 56);
  out.writeBigUInt64LE(BigInt(end), 64);
  out.writeUInt32LE(1, 72);
  out.writeUInt32LE(0x06054b50, 76);
  out.writeUInt16LE(members, 84);
  out.writeUInt16LE(members, 86);
  out.writeUInt32LE(big, 88);
  out.writeUInt32LE(big, 92);
  return out;
}
