import { readFileSync } from "node:fs";
import path from "node:path";
import { type SaeTensors, type Tensor, TensorFile } from "@saev/core";

/** How much further than float32 is from float64 ours may be: another order of summation costs about as much again. */
export const factor = 10;
/** Never asked for less than this, relative to the largest entry. */
export const floor = 1e-6;

export const readJson = (...parts: string[]): unknown =>
  JSON.parse(readFileSync(path.join(...parts), "utf8"));

/** Largest |a − b|; NaN against NaN counts as equal, NaN against a number as infinite. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    if (Object.is(x, y) || x === y) continue;
    const d = Math.abs(x - y);
    if (!(d <= worst)) worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  }
  return worst;
}

export const largest = (a: ArrayLike<number>): number =>
  Array.from(a).reduce((m, v) => Math.max(m, Math.abs(v) || 0), 0);

export class Tensors {
  private constructor(private readonly file: TensorFile) {}
  static async open(...parts: string[]): Promise<Tensors> {
    return new Tensors(await TensorFile.open(path.join(...parts)));
  }
  names(): readonly string[] {
    return this.file.names();
  }
  tensor(name: string): Tensor {
    return this.file.get(name);
  }
  floats(name: string): Float32Array {
    using tensor = this.file.get(name);
    return tensor.toFloat32Array();
  }
  sae(prefix: string): SaeTensors {
    return {
      wEnc: this.tensor(`${prefix}.W_enc`),
      bEnc: this.tensor(`${prefix}.b_enc`),
      wDec: this.tensor(`${prefix}.W_dec`),
      bDec: this.tensor(`${prefix}.b_dec`),
    };
  }
}
