import { open, stat } from "node:fs/promises";
import { SaevError } from "../errors.js";
import { opened } from "./read-bytes.js";

/** A regular file in a tar archive: where its bytes lie. */
export interface TarMember {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const block = 512;
/** Bytes read at a time: a header, and the small members after it. */
const window = 8192;
/** Longest name or extended header that is read. */
const maxExtra = 2 ** 20;

/**
 * The regular files of an archive, in order: ustar, GNU long names, pax headers. Only headers are read. Names are names and
 * nothing more: nothing is unpacked. Links and devices are passed over.
 * @throws SaevError `NOT_FOUND`, `IO`; `BAD_FILE` for what is no archive, for members beyond its end, and for an end that is missing
 * in the middle of a member.
 */
export async function* tarMembers(path: string): AsyncGenerator<TarMember> {
  const { size: total } = await opened(path, () => stat(path));
  const handle = await opened(path, () => open(path, "r"));
  let at = 0;
  let buffer = Buffer.alloc(0);
  let from = 0;
  const bytes = async (start: number, length: number): Promise<Buffer> => {
    if (start + length > total) throw bad(path, at, `an archive that ends at ${total} bytes`);
    if (start < from || start + length > from + buffer.length) {
      buffer = Buffer.alloc(Math.min(Math.max(window, length), total - start));
      from = start;
      for (let n = 0; n < buffer.length; ) {
        const { bytesRead } = await opened(path, () => handle.read(buffer, n, buffer.length - n, start + n));
        if (bytesRead === 0) throw bad(path, at, "an archive that grew shorter");
        n += bytesRead;
      }
    }
    return buffer.subarray(start - from, start - from + length);
  };
  try {
    if (total === 0) throw bad(path, 0, "an empty file");
    let extra: { name?: string | undefined; size?: number | undefined } = {};
    // Archives end with empty blocks, which some writers leave out.
    while (at < total) {
      const header = await bytes(at, block);
      if (header.every((b) => b === 0)) return;
      if (!checked(header))
        throw bad(
          path,
          at,
          at === 0 && gzipped(header) ? "a compressed file; unpack it with gunzip" : "other bytes",
        );
      const type = String.fromCharCode(header[156]!);
      const size = (regular(type) ? extra.size : undefined) ?? numberAt(header, 124, 12);
      const offset = at + block;
      if (size === undefined || !Number.isSafeInteger(size) || size < 0 || offset + size > total)
        throw bad(
          path,
          at,
          `a member of ${size ?? "unreadable"} bytes, which ends beyond the ${total} bytes of the archive`,
        );
      if (type === "L" || type === "x") {
        if (size > maxExtra) throw bad(path, at, `a header of ${size} bytes`);
        const text = Buffer.from(await bytes(offset, size)).toString("utf8");
        extra = type === "L" ? { ...extra, name: text.replace(/\0.*$/s, "") } : { ...extra, ...pax(text) };
      } else {
        if (regular(type)) yield { name: extra.name ?? nameOf(header), offset, size };
        if (type !== "g") extra = {};
      }
      at = offset + Math.ceil(size / block) * block;
    }
  } finally {
    await handle.close();
  }
}

const regular = (type: string): boolean => type === "0" || type === "\0" || type === "7";
const gzipped = (header: Buffer): boolean => header[0] === 0x1f && header[1] === 0x8b;

const bad = (path: string, at: number, found: string): SaevError =>
  new SaevError("BAD_FILE", `${path}: expected a tar header at byte ${at}, found ${found}`);

/** Whether the header's checksum is right: the sum of its bytes, with blanks for the checksum itself. */
function checked(header: Buffer): boolean {
  let sum = 8 * 32;
  for (let i = 0; i < block; i++) if (i < 148 || i >= 156) sum += header[i]!;
  return numberAt(header, 148, 8) === sum;
}

/** An octal number, or a binary one as GNU tar writes them from 8 GiB on. */
function numberAt(header: Buffer, at: number, length: number): number | undefined {
  if (header[at]! & 0x80) {
    let value = header[at]! & 0x7f;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + header[i]!;
    return value;
  }
  const text = header
    .toString("latin1", at, at + length)
    .replace(/\0.*$/s, "")
    .trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function nameOf(header: Buffer): string {
  const text = (from: number, length: number) => {
    const end = header.indexOf(0, from);
    return header.toString("utf8", from, end < 0 || end > from + length ? from + length : end);
  };
  const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? text(345, 155) : "";
  return prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
}

/** `path` and `size` of a pax header: lines "<length> <key>=<value>". */
function pax(text: string): { name?: string; size?: number } {
  const name = /^\d+ path=(.*)$/m.exec(text)?.[1];
  const size = /^\d+ size=(\d+)$/m.exec(text)?.[1];
  return { ...(name !== undefined && { name }), ...(size !== undefined && { size: Number(size) }) };
}
