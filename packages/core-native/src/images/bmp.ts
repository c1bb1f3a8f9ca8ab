import { SaevError } from "../errors.js";
import { ByteReader } from "./byte-reader.js";
import type { Pixels } from "./pixels.js";

const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

/**
 * Windows bitmaps: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, top-down and bottom-up, uncompressed.
 * @throws SaevError `UNSUPPORTED` for run-length and embedded compression, `BAD_FILE` for what is no bitmap.
 */
export function decodeBmp(
  bytes: Uint8Array,
  what: string,
  checkSize: (w: number, h: number) => void,
): Pixels {
  const r = new ByteReader(bytes, what);
  const dataAt = r.u32(10);
  const headerSize = r.u32(14);
  const core = headerSize === 12;
  const width = core ? r.u16(18) : r.i32(18);
  const storedHeight = core ? r.u16(20) : r.i32(22);
  const bits = core ? r.u16(24) : r.u16(28);
  const compression = core ? 0 : r.u32(30);
  const height = Math.abs(storedHeight);
  if (width < 1 || height < 1)
    throw new SaevError("BAD_FILE", `${what}: a bitmap of ${width} × ${height} pixels`);
  checkSize(width, height);
  if (compression !== 0 && compression !== BITFIELDS && compression !== ALPHA_BITFIELDS) {
    throw new SaevError(
      "UNSUPPORTED",
      `${what}: compressed bitmaps (method ${compression}) are not read; save it as PNG`,
    );
  }
  const stride = Math.ceil((width * bits) / 32) * 4;
  const pixel = pixelReader(r, what, { bits, compression, headerSize, core });
  r.slice(dataAt, stride * (height - 1) + Math.ceil((width * bits) / 8));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = dataAt + stride * (storedHeight < 0 ? y : height - 1 - y);
    for (let x = 0; x < width; x++) pixel(row, x, data, (y * width + x) * 3);
  }
  return { data, width, height };
}

interface Layout {
  readonly bits: number;
  readonly compression: number;
  readonly headerSize: number;
  readonly core: boolean;
}

/** Writes pixel `x` of the row at `row` to `out[to]`. */
type PixelReader = (row: number, x: number, out: Uint8Array, to: number) => void;

function pixelReader(r: ByteReader, what: string, layout: Layout): PixelReader {
  const { bits } = layout;
  if (bits === 1 || bits === 4 || bits === 8) return paletteReader(r, layout);
  if (bits === 24 || (bits === 32 && layout.compression === 0)) {
    const step = bits / 8;
    return (row, x, out, to) => {
      const at = row + x * step;
      out[to] = r.bytes[at + 2]!;
      out[to + 1] = r.bytes[at + 1]!;
      out[to + 2] = r.bytes[at]!;
    };
  }
  if (bits === 16 || bits === 32) return maskReader(r, layout);
  throw new SaevError("BAD_FILE", `${what}: a bitmap with ${bits} bits a pixel`);
}

function paletteReader(r: ByteReader, { bits, headerSize, core }: Layout): PixelReader {
  const entry = core ? 3 : 4;
  const at = 14 + headerSize;
  const given = core ? 0 : r.u32(46);
  const colours = Math.min(given || 2 ** bits, 2 ** bits);
  const palette = r.slice(at, colours * entry);
  const perByte = 8 / bits;
  return (row, x, out, to) => {
    const byte = r.bytes[row + Math.floor(x / perByte)]!;
    const index = (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1);
    if (index >= colours) return; // as Pillow: a colour that is not in the table is black
    out[to] = palette[index * entry + 2]!;
    out[to + 1] = palette[index * entry + 1]!;
    out[to + 2] = palette[index * entry]!;
  };
}

function maskReader(r: ByteReader, { bits, compression }: Layout): PixelReader {
  const masks = compression === 0 ? [0x7c00, 0x3e0, 0x1f] : [r.u32(54), r.u32(58), r.u32(62)];
  const channels = masks.map((mask) => {
    if (mask === 0) return { shift: 0, max: 1, mask: 0 };
    const shift = Math.log2((mask & -mask) >>> 0);
    return { shift, max: mask / 2 ** shift, mask };
  });
  return (row, x, out, to) => {
    const v = bits === 16 ? r.u16(row + 2 * x) : r.u32(row + 4 * x);
    for (let c = 0; c < 3; c++) {
      const { shift, max, mask } = channels[c]!;
      out[to + c] = Math.trunc((((v & mask) >>> shift) * 255) / max);
    }
  };
}
