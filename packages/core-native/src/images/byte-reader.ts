import { SaevError } from "../errors.js";

/** Little-endian numbers at checked positions. Reading past the end is the file's fault, and says so. */
export class ByteReader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8 = (at: number): number => this.#view.getUint8(this.#check(at, 1));
  u16 = (at: number): number => this.#view.getUint16(this.#check(at, 2), true);
  u32 = (at: number): number => this.#view.getUint32(this.#check(at, 4), true);
  i32 = (at: number): number => this.#view.getInt32(this.#check(at, 4), true);

  /** Bytes [at, at + length). */
  slice(at: number, length: number): Uint8Array {
    this.#check(at, length);
    return this.bytes.subarray(at, at + length);
  }

  #check(at: number, length: number): number {
    if (at < 0 || length < 0 || at + length > this.bytes.byteLength) throw truncated(this.what);
    return at;
  }
}

/** The error of a picture that ends too early. */
export const truncated = (what: string): SaevError =>
  new SaevError("BAD_FILE", `${what}: the picture ends before its last pixel; fetch the file again`);
