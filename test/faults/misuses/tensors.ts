import { Tensor } from "@saev/core";
import { gone, type Misuse, ones, wrong } from "../misuse.js";

export const misuses: readonly Misuse[] = [
  {
    what: "shape larger than the data",
    run: () => Tensor.from(new Float32Array(5), [2, 3]),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "shape smaller than the data",
    run: () => Tensor.from(new Float32Array(7), [2, 3]),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "negative size",
    run: () => Tensor.from(new Float32Array(6), [-2, -3]),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT"],
  },
  {
    what: "NaN size",
    run: () => Tensor.from(new Float32Array(6), [Number.NaN]),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT"],
  },
  {
    what: "infinite size",
    run: () => Tensor.from(new Float32Array(6), [Infinity]),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT"],
  },
  {
    what: "half a size",
    run: () => Tensor.from(new Float32Array(6), [2.5]),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT"],
  },
  {
    what: "sizes whose product overflows",
    run: () => Tensor.from(new Float32Array(0), [2 ** 40, 2 ** 40]),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT", "OUT_OF_MEMORY"],
  },
  {
    what: "a huge size beside a zero",
    run: () => Tensor.from(new Float32Array(1), [2 ** 53, 0, 2 ** 53]),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT", "OUT_OF_MEMORY"],
  },
  {
    what: "size as text",
    run: () => Tensor.from(new Float32Array(6), wrong(["2", "3"])),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "shape that is no array",
    run: () => Tensor.from(new Float32Array(6), wrong(6)),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "unknown dtype",
    run: () => Tensor.from(new Float32Array(6), [6], wrong("float8")),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "dtype of another width",
    run: () => Tensor.from(new Uint8Array(6), [6], "float64"),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "sixteen bits without a dtype",
    run: () => Tensor.from(new Uint16Array(6), [6]),
    ends: ["INVALID_ARGUMENT"],
  },
  {
    what: "data in an unknown array",
    run: () => Tensor.from(wrong(new Uint32Array(6))),
    ends: ["INVALID_ARGUMENT"],
  },
  { what: "no data", run: () => Tensor.from(wrong(undefined)), ends: ["INVALID_ARGUMENT"] },
  { what: "data as a plain array", run: () => Tensor.from(wrong([1, 2, 3])), ends: ["INVALID_ARGUMENT"] },
  { what: "values of a disposed tensor", run: () => gone().toTypedArray(), ends: ["DISPOSED"] },
  { what: "shape of a disposed tensor", run: () => gone().shape, ends: ["DISPOSED"] },
  { what: "slice of a disposed tensor", run: () => gone().narrow(0, 0, 1), ends: ["DISPOSED"] },
  { what: "disposing twice", run: () => gone().dispose(), ends: "quietly" },
  {
    what: "float32 of an int64 tensor",
    run: () => Tensor.from(new BigInt64Array(2)).toFloat32Array(),
    ends: ["SHAPE_MISMATCH"],
  },
  {
    what: "slice along no dimension",
    run: () => ones().narrow(2, 0, 1),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT"],
  },
  {
    what: "slice along a negative dimension",
    run: () => ones().narrow(-3, 0, 1),
    ends: ["SHAPE_MISMATCH", "INVALID_ARGUMENT"],
  },
  { what: "slice past the end", run: () => ones().narrow(0, 1, 5), ends: ["SHAPE_MISMATCH"] },
  { what: "slice from before the start", run: () => ones().narrow(0, -1, 1), ends: ["SHAPE_MISMATCH"] },
  { what: "slice of negative length", run: () => ones().narrow(0, 0, -1), ends: ["SHAPE_MISMATCH"] },
  { what: "slice whose end overflows", run: () => ones().narrow(0, 1, 2 ** 53), ends: ["SHAPE_MISMATCH"] },
  { what: "slice from NaN", run: () => ones().narrow(0, Number.NaN, 1), ends: ["INVALID_ARGUMENT"] },
];
