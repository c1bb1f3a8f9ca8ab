import { Tensor } from "../../index.js";

/** A tensor of every kind that files hold. */
export const samples = () => ({
  f32: Tensor.from(new Float32Array([1.5, -2, Number.NaN, 4, 5, 6]), [2, 3]),
  f64: Tensor.from(new Float64Array([Math.PI])),
  f16: Tensor.from(new Uint16Array([0x3c00, 0x7bff]), [2], "float16"),
  bf16: Tensor.from(new Uint16Array([0x3f80, 0xc000, 0x0001]), [3], "bfloat16"),
  i64: Tensor.from(new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n])),
  i32: Tensor.from(new Int32Array([-7])),
  i16: Tensor.from(new Int16Array([-300])),
  i8: Tensor.from(new Int8Array([-128, 127])),
  u8: Tensor.from(new Uint8Array([255])),
  bool: Tensor.from(new Uint8Array([1, 0, 1]), [3], "bool"),
  scalar: Tensor.from(new Float32Array([1.7]), []),
  empty: Tensor.from(new Float32Array(0), [0, 4]),
  "a.ключ": Tensor.from(new Float32Array([1])),
});

/** The elements' bytes in hex. */
const bytes = (t: Tensor) => Buffer.from(t.toTypedArray().buffer).toString("hex");
/** Dtype, shape and bits in one text. */
export const describeTensor = (t: Tensor) => `${t.dtype} [${t.shape}] ${bytes(t)}`;
