import { SaevError } from "../errors.js";
import { truncated } from "./byte-reader.js";
import type { Pixels } from "./pixels.js";

const kinds: Readonly<Record<string, { channels: 1 | 3; text: boolean; bitmap: boolean }>> = {
  P1: { channels: 1, text: true, bitmap: true },
  P2: { channels: 1, text: true, bitmap: false },
  P3: { channels: 3, text: true, bitmap: false },
  P4: { channels: 1, text: false, bitmap: true },
  P5: { channels: 1, text: false, bitmap: false },
  P6: { channels: 3, text: false, bitmap: false },
};

/**
 * Portable bitmaps, greymaps and pixmaps (`P1` to `P6`), 8 and 16 bits, scaled as Pillow scales them.
 * @throws SaevError `BAD_FILE`.
 */
export function decodePnm(
  bytes: Uint8Array,
  what: string,
  checkSize: (w: number, h: number) => void,
): Pixels {
  const reader = new Header(bytes, what);
  const kind = kinds[reader.magic()]!;
  const width = reader.number();
  const height = reader.number();
  const max = kind.bitmap ? 1 : reader.number();
  if (width < 1 || height < 1 || max < 1 || max > 65535) {
    throw new SaevError("BAD_FILE", `${what}: a picture of ${width} × ${height} pixels up to ${max}`);
  }
  checkSize(width, height);
  const samples = kind.text
    ? textSamples(reader, width * height * kind.channels, kind.bitmap)
    : kind.bitmap
      ? bitSamples(reader.rest(), width, height, what)
      : binarySamples(reader.rest(), width * height * kind.channels, max, what);
  const toByte = scale(max, kind.channels, kind.bitmap);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      data[3 * i + c] = toByte(samples[kind.channels === 3 ? 3 * i + c : i]!);
    }
  }
  return { data, width, height };
}

function scale(max: number, channels: 1 | 3, bitmap: boolean): (v: number) => number {
  if (bitmap) return (v) => (v ? 0 : 255);
  if (max === 255) return (v) => v;
  if (channels === 1 && max > 255) {
    // Pillow stretches to 16 bits and then clips to 8 when it makes RGB: all but the darkest is white.
    return (v) => Math.min(255, roundHalfEven((v / max) * 65535));
  }
  return (v) => Math.min(255, roundHalfEven((v / max) * 255));
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function binarySamples(data: Uint8Array, n: number, max: number, what: string): Uint8Array | Uint16Array {
  if (data.length < n * (max > 255 ? 2 : 1)) throw truncated(what);
  if (max <= 255) return data.subarray(0, n);
  const out = new Uint16Array(n);
  for (let i = 0; i < n; i++) out[i] = data[2 * i]! * 256 + data[2 * i + 1]!;
  return out;
}

function bitSamples(data: Uint8Array, width: number, height: number, what: string): Uint8Array {
  const stride = Math.ceil(width / 8);
  if (data.length < stride * height) throw truncated(what);
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) out[y * width + x] = (data[y * stride + (x >> 3)]! >> (7 - (x & 7))) & 1;
  }
  return out;
}

function textSamples(reader: Header, n: number, bitmap: boolean): Uint16Array {
  const out = new Uint16Array(n);
  for (let i = 0; i < n; i++) out[i] = bitmap ? reader.digit() : reader.number();
  return out;
}

const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13);
const isDigit = (byte: number) => byte >= 48 && byte <= 57;

/** Reads the text part: numbers between white space, comments from `#` to the end of the line. */
class Header {
  #at = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
  ) {}

  magic(): string {
    this.#at = 2;
    return String.fromCharCode(this.bytes[0]!, this.bytes[1]!);
  }

  number(): number {
    this.#skip();
    const begin = this.#at;
    let value = 0;
    while (this.#at < this.bytes.length && isDigit(this.bytes[this.#at]!)) {
      value = value * 10 + this.bytes[this.#at++]! - 48;
    }
    if (this.#at === begin || this.#at - begin > 9) throw this.#bad();
    return value;
  }

  digit(): number {
    this.#skip();
    const byte = this.bytes[this.#at++]!;
    if (byte !== 48 && byte !== 49) throw this.#bad();
    return byte - 48;
  }

  /** What follows the one white space after the header. */
  rest(): Uint8Array {
    return this.bytes.subarray(this.#at + 1);
  }

  #skip(): void {
    while (this.#at < this.bytes.length) {
      const byte = this.bytes[this.#at]!;
      if (byte === 35) while (this.#at < this.bytes.length && this.bytes[this.#at] !== 10) this.#at++;
      else if (isSpace(byte)) this.#at++;
      else return;
    }
    throw truncated(this.what);
  }

  #bad = () => new SaevError("BAD_FILE", `${this.what}: expected a number at byte ${this.#at}`);
}
