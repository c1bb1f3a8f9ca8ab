import type { Pixels } from "@saev/core";
import type { RgbaPixels } from "./overlay.js";
import { pngChunk, pngEnd, pngStart } from "./png.js";
import { adlerOfBoth, type PackedRows, type PngLane } from "./png-lane.js";

/**
 * PNG of pictures that differ from one ground in some rows only, as heat maps do where few patches fire: bands of rows that are
 * the ground's are packed once and then copied.
 */
export class PngOnGround {
  readonly #ground: Pixels | RgbaPixels;
  /** What bands of the ground become, as they are needed. */
  readonly #bands: PackedRows[] = [];

  readonly #bandRows: number;

  /** @param bandRows best as many as a patch of the heat map is high. */
  constructor(ground: Pixels | RgbaPixels, bandRows: number) {
    this.#ground = ground;
    this.#bandRows = bandRows;
  }

  /**
   * The file, in parts; some of them are other files' parts too.
   * @param picture of any size; of the ground's size and channels it can share its rows.
   */
  async encode(picture: Pixels | RgbaPixels, lane: PngLane): Promise<Uint8Array[]> {
    const rows: PackedRows[] = [];
    for (const { from, to, shared } of this.#runs(picture)) {
      const kept = shared ? this.#bands[from / this.#bandRows] : undefined;
      const packed = kept ?? (await lane.pack(picture, from, to, this.#bandRows));
      if (shared) this.#bands[from / this.#bandRows] = packed;
      rows.push(packed);
    }
    const adler = Buffer.alloc(4);
    adler.writeUInt32BE(rows.reduce(adlerOfBoth, 1), 0);
    return [
      ...pngStart(picture),
      ...zlibHeader,
      ...rows.flatMap(({ chunk }) => chunk),
      ...pngChunk("IDAT", [lastBlock, adler]),
      ...pngEnd,
    ];
  }

  /** All rows: each band that is the ground's, and what lies between them. */
  *#runs(picture: Pixels | RgbaPixels): Generator<{ from: number; to: number; shared: boolean }> {
    const { width, height, data } = picture;
    const ground = this.#ground;
    const bandRows = this.#bandRows;
    const alike = ground.width === width && ground.height === height && ground.data.length === data.length;
    const stride = data.length / height;
    let done = 0;
    for (let from = 0; alike && from < height; from += bandRows) {
      const to = Math.min(height, from + bandRows);
      const band = [from * stride, to * stride] as const;
      if (Buffer.compare(data.subarray(...band), ground.data.subarray(...band)) !== 0) continue;
      if (done < from) yield { from: done, to: from, shared: false };
      yield { from, to, shared: true };
      done = to;
    }
    if (done < height) yield { from: done, to: height, shared: false };
  }
}

/** Deflate with a window of 32 KB, fastest (RFC 1950). */
const zlibHeader = pngChunk("IDAT", [Buffer.from([0x78, 0x01])]);
/** An empty block that says that it is the last (RFC 1951). */
const lastBlock = Buffer.from([1, 0, 0, 0xff, 0xff]);
