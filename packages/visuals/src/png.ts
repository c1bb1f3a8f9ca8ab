import { promisify } from "node:util";
import { constants, crc32, deflate } from "node:zlib";
import type { Pixels } from "@saev/core";
import type { RgbaPixels } from "./overlay.js";

const deflated = promisify(deflate);

/**
 * PNG of a picture, RGB or RGBA (W3C PNG, third edition).
 *
 * Each row is stored as its difference from the one above, and zlib looks for repeated bytes only: of pictures there is
 * little else to find. libvips at its level 3 takes three times as long for files that are a third larger.
 */
export async function encodePng({ width, height, data }: Pixels | RgbaPixels): Promise<Uint8Array> {
  const channels = data.length === 4 * width * height ? 4 : 3;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits a channel
  header[9] = channels === 4 ? 6 : 2; // RGBA or RGB
  const rows = await deflated(differences(data, channels * width, height), {
    level: 1,
    strategy: constants.Z_RLE,
    // All at once: the stream's chunks of 16 KB would be copied together.
    chunkSize: 1 << 20,
  });
  return Buffer.concat([
    signature,
    ...chunk("IHDR", header),
    ...chunk("IDAT", rows),
    ...chunk("IEND", empty),
  ]);
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const empty = Buffer.alloc(0);

/** Filter type "up" of every row. @param stride bytes of a row. */
function differences(data: Uint8Array, stride: number, height: number): Uint8Array {
  const out = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    const to = y * (stride + 1);
    const from = y * stride;
    out[to] = 2;
    if (y === 0) out.set(data.subarray(0, stride), 1);
    else for (let i = 0; i < stride; i++) out[to + 1 + i] = data[from + i]! - data[from - stride + i]!;
  }
  return out;
}

function chunk(type: string, content: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length, 0);
  head.write(type, 4, "latin1");
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(content, crc32(head.subarray(4))), 0);
  return [head, content, check];
}
