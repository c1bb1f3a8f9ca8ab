import { SaevError } from "../../errors.js";
import type { Tensor } from "../../tensor.js";

/** A copy of a floating-point tensor's elements as float32. @throws SaevError `UNSUPPORTED` for whole numbers. */
export function float32Of(tensor: Tensor, name: string): Float32Array {
  const data = tensor.toTypedArray();
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (tensor.dtype === "bfloat16") {
    return new Float32Array(Uint32Array.from(data as Uint16Array, (bits) => (bits << 16) >>> 0).buffer);
  }
  if (tensor.dtype === "float16") return Float32Array.from(data as Uint16Array, half);
  throw new SaevError("UNSUPPORTED", `${name}: expected floating-point numbers, found ${tensor.dtype}`);
}

/** The value of an IEEE 754 binary16 pattern. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
