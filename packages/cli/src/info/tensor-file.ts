import { statSync } from "node:fs";
import type { Tensor } from "@saev/core";
import { amount, bytes, count, table } from "../text.js";
import type { Info } from "./info.js";

/** What is said about one tensor. */
export interface TensorNote {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** A safetensors or torch file of any origin: names, dtypes and shapes. */
export async function tensorFileInfo(path: string): Promise<Info> {
  const { TensorFile } = await import("@saev/core");
  using file = await TensorFile.open(path);
  const tensors = file.names().map((name) => {
    using tensor = file.get(name);
    return noteOf(name, tensor);
  });
  const size = statSync(path).size;
  return {
    title: "file of tensors",
    lines: [
      ["tensors", amount(tensors.length, "tensor")],
      ["values", count(tensors.reduce((sum, t) => sum + sizeOf(t.shape), 0))],
      ["size", bytes(size)],
      ...[...file.metadata].map(([name, value]) => [name, value] as const),
    ],
    below: tensorTable(tensors),
    json: { kind: "tensor-file", path, tensors, metadata: Object.fromEntries(file.metadata), bytes: size },
  };
}

export const noteOf = (name: string, tensor: Tensor): TensorNote => ({
  name,
  dtype: tensor.dtype,
  shape: tensor.shape,
});

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export const tensorTable = (tensors: readonly TensorNote[]): string =>
  table(
    ["tensor", "dtype", "shape"],
    tensors.map(({ name, dtype, shape }) => [
      name || "(the file is one tensor)",
      dtype,
      `[${shape.join(", ")}]`,
    ]),
  );
