import type { NativeLatents } from "../native/sae.js";
import { Tensor } from "../tensor.js";

/**
 * Active latents of some rows: the latents of row r are entries `rowStart[r]` to `rowStart[r + 1]`, ascending. The
 * dense rows × d_sae matrix, mostly zeros, is made only when {@link Latents.toDense} is called.
 */
export class Latents {
  constructor(
    /** int64 [rows + 1]. */
    readonly rowStart: Tensor,
    /** int32 [n]: which latent. */
    readonly latent: Tensor,
    /** float32 [n]: its value, above 0. */
    readonly value: Tensor,
    readonly dSae: number,
  ) {}

  /** @internal */
  static fromNative(native: NativeLatents, dSae: number): Latents {
    return new Latents(
      Tensor.fromHandle(native.rowStart),
      Tensor.fromHandle(native.latent),
      Tensor.fromHandle(native.value),
      dSae,
    );
  }

  /** Number of rows. */
  get rows(): number {
    return (this.rowStart.shape[0] ?? 1) - 1;
  }

  /** Number of active latents over all rows. */
  get nnz(): number {
    return this.value.size;
  }

  /** f_x as a dense array [rows, d_sae], C order. */
  toDense(): Float32Array {
    const out = new Float32Array(this.rows * this.dSae);
    const start = this.rowStart.toTypedArray() as BigInt64Array;
    const latent = this.latent.toTypedArray() as Int32Array;
    const value = this.value.toFloat32Array();
    for (let r = 0; r < this.rows; r++) {
      for (let q = Number(start[r]); q < Number(start[r + 1]); q++) {
        out[r * this.dSae + (latent[q] as number)] = value[q] as number;
      }
    }
    return out;
  }

  /** Frees the native arrays. */
  dispose(): void {
    this.rowStart.dispose();
    this.latent.dispose();
    this.value.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
