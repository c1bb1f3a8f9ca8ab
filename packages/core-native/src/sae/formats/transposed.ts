import { Tensor } from "../../tensor.js";

/** The transpose of a float32 matrix. */
export function transposed(matrix: Tensor): Tensor {
  const [rows = 0, columns = 0] = matrix.shape;
  const data = matrix.toFloat32Array();
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] as number;
  return Tensor.from(out, [columns, rows]);
}
