import { SaevError } from "../errors.js";

/** Types of arrays that are written, as NumPy names them: little-endian whatever the machine. */
export type NpyType = "<i4" | "<i8" | "<f4" | "|b1" | `|S${number}`;

/**
 * The head of a `.npy` file of version 1.0, padded so that the values begin at a multiple of 64 bytes.
 * @param shape of an array in C order; `[]` is a scalar.
 */
export function npyHeader(type: NpyType, shape: readonly number[]): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(length, " ");
  header.set([0x93, ...Buffer.from("NUMPY"), 1, 0]);
  header.writeUInt16LE(length - 10, 8);
  header.write(text, 10, "latin1");
  header[length - 1] = 0x0a;
  return header;
}

/**
 * Type of the row starts of a CSR matrix: int64 once they do not fit into int32, as scipy has it.
 * @throws SaevError `INVALID_ARGUMENT` beyond 2⁵³ − 1.
 */
export function rowStartType(nnz: number): "<i4" | "<i8" {
  if (Number.isSafeInteger(nnz) && nnz >= 0) return nnz > 0x7fffffff ? "<i8" : "<i4";
  throw new SaevError("INVALID_ARGUMENT", `expected a number of values up to 2^53 - 1, found ${nnz}`);
}
