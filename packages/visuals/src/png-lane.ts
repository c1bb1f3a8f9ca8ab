import { constants, createDeflateRaw } from "node:zlib";
import type { Pixels } from "@saev/core";
import type { RgbaPixels } from "./overlay.js";
import { channelsOf, packing, pngChunk } from "./png.js";

/** Some rows as they lie in a PNG. */
export interface PackedRows {
  /** Their IDAT chunk. */
  readonly chunk: readonly Uint8Array[];
  /** Adler-32 of the bytes before packing, and their number: zlib's check of a whole picture is made of these. */
  readonly adler: number;
  readonly length: number;
}

/**
 * Packs rows of one picture after another, with buffers and a stream that are kept: a new picture of 448 × 448 takes 2 MB of
 * them, and collecting those took as long as packing. One picture at a time.
 */
export class PngLane implements Disposable {
  // "Full", after each write: what comes next does not look back.
  readonly #stream = createDeflateRaw({ ...packing, flush: constants.Z_FULL_FLUSH, chunkSize: 1 << 18 });
  #filtered = new Uint8Array(0);
  #pixels = new Uint8Array(0);
  #parts: Uint8Array[] = [];
  #failed: ((error: Error) => void) | undefined;

  constructor() {
    this.#stream.on("data", (part: Uint8Array) => this.#parts.push(part));
    this.#stream.on("error", (error) => this.#failed?.(error));
  }

  /** Room to draw a picture in, until the next one. */
  readonly pixels = (bytes: number): Uint8Array => {
    if (this.#pixels.length !== bytes) this.#pixels = new Uint8Array(bytes);
    return this.#pixels;
  };

  /**
   * Packs rows `from` to before `to`. They end on a whole byte and know nothing of other rows, so any others can follow.
   * @param band every so many rows, from the first of the picture, one begins that does not look at the row above; `from` is
   * such a row.
   */
  async pack(picture: Pixels | RgbaPixels, from: number, to: number, band: number): Promise<PackedRows> {
    const length = (channelsOf(picture) * picture.width + 1) * (to - from);
    if (this.#filtered.length < length) this.#filtered = new Uint8Array(length);
    const bytes = this.#filtered.subarray(0, length);
    const adler = filter(picture, from, to, band, bytes);
    const content = await new Promise<Uint8Array[]>((resolve, reject) => {
      this.#failed = reject;
      this.#stream.write(bytes, () => {
        const parts = this.#parts;
        this.#parts = [];
        resolve(parts);
      });
    });
    return { chunk: pngChunk("IDAT", content), adler, length };
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}

/** Lanes that wait for pictures. */
export class PngLanes implements Disposable {
  readonly #all = new Set<PngLane>();
  readonly #free: PngLane[] = [];

  /** As many lanes are made as are in use at the same time. */
  async borrow<T>(work: (lane: PngLane) => Promise<T>): Promise<T> {
    const lane = this.#free.pop() ?? new PngLane();
    this.#all.add(lane);
    try {
      return await work(lane);
    } finally {
      this.#free.push(lane);
    }
  }

  [Symbol.dispose](): void {
    for (const lane of this.#all) lane[Symbol.dispose]();
  }
}

/**
 * Filter "up" of every row, but "sub" (from the pixel to the left) in the first of each band, which may follow any rows.
 * @returns the Adler-32 of what it writes (RFC 1950).
 */
function filter(
  picture: Pixels | RgbaPixels,
  from: number,
  to: number,
  band: number,
  out: Uint8Array,
): number {
  const channels = channelsOf(picture);
  const stride = channels * picture.width;
  const { data } = picture;
  let a = 1;
  let b = 0;
  let at = 0;
  for (let y = from; y < to; y++) {
    const sub = y % band === 0;
    const back = sub ? channels : stride;
    const end = (y + 1) * stride;
    let i = y * stride;
    out[at++] = sub ? 1 : 2;
    a += sub ? 1 : 2;
    b += a;
    // The first pixel has none to its left.
    for (const first = sub ? i + channels : i; i < first; i++) {
      const byte = data[i]!;
      out[at++] = byte;
      a += byte;
      b += a;
    }
    for (; i < end; i++) {
      const byte = (data[i]! - data[i - back]!) & 255;
      out[at++] = byte;
      a += byte;
      b += a;
    }
    // Before this b has grown by less than 256 · stride² / 2: exact for rows of up to 8 million bytes.
    a %= adlerBase;
    b %= adlerBase;
  }
  return b * 65536 + a;
}

const adlerBase = 65521;

/** Adler-32 of two runs of bytes, one after the other. */
export function adlerOfBoth(first: number, second: Pick<PackedRows, "adler" | "length">): number {
  const [a1, a2] = [first % 65536, second.adler % 65536];
  const [b1, b2] = [Math.floor(first / 65536), Math.floor(second.adler / 65536)];
  const a = (a1 + a2 - 1 + adlerBase) % adlerBase;
  // Each byte of the second is counted on top of what the first left in `a`, which began with 1.
  const b = (b1 + b2 + (second.length % adlerBase) * (a1 - 1 + adlerBase)) % adlerBase;
  return b * 65536 + a;
}
