import type { Pixels } from "./pixels.js";

const extension = 0x21;
const imageSeparator = 0x2c;
const graphicControl = 0xf9;

/** What Pillow's RGB of a GIF's first frame needs to know beside its pixels. */
export interface GifFrame {
  /**
   * The file with no transparent colour in that frame: Pillow shows the colour that the palette has there, where others leave
   * the pixel out.
   */
  readonly opaque: Uint8Array;
  /** The part of the screen that the frame covers. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of the rest: the transparent colour, else the first of the palette. */
  readonly background: readonly [number, number, number];
}

/** The first frame of a GIF; undefined for files that are cut short before its pixels. */
export function firstGifFrame(bytes: Uint8Array): GifFrame | undefined {
  const u8 = (at: number): number => bytes[at] ?? 0;
  const u16 = (at: number): number => u8(at) + 256 * u8(at + 1);
  const tableSize = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let table = { at: 13, size: tableSize(u8(10)) };
  let at = table.at + table.size;
  let control: number | undefined;
  while (u8(at) === extension) {
    if (u8(at + 1) === graphicControl) control = at + 3;
    // Blocks, each after a byte with its size, up to an empty one.
    at += 2;
    while (u8(at) > 0) at += u8(at) + 1;
    at++;
  }
  if (u8(at) !== imageSeparator || at + 10 > bytes.length) return undefined;
  const local = tableSize(u8(at + 9));
  if (local > 0) table = { at: at + 10, size: local };
  const transparent = control !== undefined && (u8(control) & 1) !== 0;
  const index = transparent ? u8(control! + 3) : 0;
  const entry = table.at + 3 * index;
  const opaque = transparent ? Uint8Array.from(bytes) : bytes;
  if (transparent) opaque[control!] = u8(control!) & 0xfe;
  return {
    opaque,
    ...{ left: u16(at + 1), top: u16(at + 3), width: u16(at + 5), height: u16(at + 7) },
    background: 3 * index < table.size ? [u8(entry), u8(entry + 1), u8(entry + 2)] : [index, index, index],
  };
}

/** Paints what the frame does not cover. */
export function paintAround({ data, width, height }: Pixels, frame: GifFrame): void {
  const { left, top, background } = frame;
  if (left === 0 && top === 0 && frame.width >= width && frame.height >= height) return;
  for (let y = 0; y < height; y++) {
    const row = y >= top && y < top + frame.height;
    for (let x = 0; x < width; x++)
      if (!row || x < left || x >= left + frame.width) data.set(background, 3 * (y * width + x));
  }
}
