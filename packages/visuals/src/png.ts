/** What a PNG of a picture, RGB or RGBA, is made of (W3C PNG, third edition). */
import { constants, crc32 } from "node:zlib";
import type { Pixels } from "@saev/core";
import type { RgbaPixels } from "./overlay.js";

/**
 * How rows are packed. They are stored as their differences, and zlib looks for repeated bytes only: of pictures there is
 * little else to find. libvips at its level 3 takes three times as long for files that are a third larger.
 */
export const packing = { level: 1, strategy: constants.Z_RLE };

/** Bytes of a pixel: 4 for RGBA, 3 for RGB. */
export const channelsOf = ({ width, height, data }: Pixels | RgbaPixels) =>
  data.length === 4 * width * height ? 4 : 3;

/** Signature and header. */
export function pngStart(picture: Pixels | RgbaPixels): Uint8Array[] {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(picture.width, 0);
  header.writeUInt32BE(picture.height, 4);
  header[8] = 8; // bits a channel
  header[9] = channelsOf(picture) === 4 ? 6 : 2; // RGBA or RGB
  return [signature, ...pngChunk("IHDR", [header])];
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** One chunk: its head, its content as it is given, and its check. */
export function pngChunk(type: string, content: readonly Uint8Array[]): Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(
    content.reduce((length, part) => length + part.length, 0),
    0,
  );
  head.write(type, 4, "latin1");
  const check = Buffer.alloc(4);
  check.writeUInt32BE(
    content.reduce((crc, part) => crc32(part, crc), crc32(head.subarray(4))),
    0,
  );
  return [head, ...content, check];
}

/** What a file ends with. */
export const pngEnd: readonly Uint8Array[] = pngChunk("IEND", []);
