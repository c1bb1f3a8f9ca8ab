import { SaevError } from "./errors.js";
import type { DtypeName, Handle } from "./native/addon.js";
import { callSync } from "./native/call.js";
import { addon } from "./native/load.js";
import { Resource } from "./native/resource.js";

/** Element types. float16 and bfloat16 are read as the 16-bit patterns they are (Node 20 has no Float16Array). */
export type Dtype = DtypeName;

/** What {@link Tensor.toTypedArray} gives for each dtype. */
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** An array in native memory, C order. It is copied to JavaScript only when asked. */
export class Tensor extends Resource<"Tensor"> {
  #info: { shape: number[]; dtype: DtypeName } | undefined;

  /** @internal */
  static fromHandle(handle: Handle<"Tensor">): Tensor {
    return new Tensor(handle);
  }

  /**
   * Copies `data` into a new tensor.
   * @param shape sizes whose product is the number of elements; default: one dimension.
   * @param dtype default: that of the typed array.
   * @throws SaevError `SHAPE_MISMATCH` when shape and data do not fit, `INVALID_ARGUMENT` for other kinds of data.
   */
  static from(data: TensorData, shape?: readonly number[], dtype?: Dtype): Tensor {
    if (!ArrayBuffer.isView(data) || data instanceof DataView)
      throw new SaevError("INVALID_ARGUMENT", "data: expected a typed array");
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return new Tensor(
      callSync(() => addon().tensorFrom(bytes, shape ?? [data.length], dtype ?? dtypeOf(data))),
    );
  }

  /** A new float32 tensor of zeros. @throws SaevError `SHAPE_MISMATCH`, `OUT_OF_MEMORY`. */
  static zeros(shape: readonly number[]): Tensor {
    return new Tensor(callSync(() => addon().tensorZeros(shape)));
  }

  /** Sizes of the dimensions. */
  get shape(): readonly number[] {
    return this.#meta().shape;
  }

  get dtype(): Dtype {
    return this.#meta().dtype;
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  /** A copy of the elements, C order. At most 4 GiB: `narrow` first if it is more. */
  toTypedArray(): TensorData {
    const dtype = this.dtype;
    return new arrays[dtype](callSync(() => addon().tensorBytes(this.handle)));
  }

  /** A copy of a float32 tensor's elements. @throws SaevError `SHAPE_MISMATCH` for another dtype. */
  toFloat32Array(): Float32Array {
    const data = this.toTypedArray();
    if (data instanceof Float32Array) return data;
    throw new SaevError("SHAPE_MISMATCH", `expected a float32 tensor, found ${this.dtype}`);
  }

  /** A view of `length` entries of dimension `dim` from `start` on, on the same memory. */
  narrow(dim: number, start: number, length: number): Tensor {
    return new Tensor(callSync(() => addon().tensorNarrow(this.handle, dim, start, length)));
  }

  #meta() {
    this.alive();
    this.#info ??= callSync(() => addon().tensorInfo(this.handle));
    return this.#info;
  }
}

function dtypeOf(data: TensorData): DtypeName {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Int16Array) return "int16";
  if (data instanceof Int8Array) return "int8";
  if (data instanceof Uint8Array) return "uint8";
  throw new SaevError("INVALID_ARGUMENT", "a Uint16Array needs a dtype: float16 or bfloat16");
}
