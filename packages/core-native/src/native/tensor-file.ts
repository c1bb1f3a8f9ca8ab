import type { Control, Handle } from "./addon.js";

export type TensorFileFormat = "safetensors" | "torch-tensor" | "torch-dict" | "torch-ordered-dict";

export interface TensorFileExports {
  openTensorFile(path: string, offset: number, control: Control): Promise<Handle<"TensorFile">>;
  openWeightFiles(paths: readonly string[], control: Control): Promise<Handle<"TensorFile">>;
  tensorFileInfo(file: Handle<"TensorFile">): { names: string[]; metadata: [string, string][] };
  tensorFileGet(file: Handle<"TensorFile">, name: string): Handle<"Tensor">;
  writeTensorFile(
    path: string,
    options: {
      readonly format: TensorFileFormat;
      readonly names: readonly string[];
      readonly tensors: readonly Handle<"Tensor">[];
      /** Text in front of a torch archive. */
      readonly header?: string;
      /** Keys and values of safetensors' `__metadata__`, one after the other. */
      readonly metadata?: readonly string[];
    },
    control: Control,
  ): Promise<void>;
  /** Reads a pickled config of the Python package; `where` goes in front of messages. */
  readPickledConfig(bytes: Uint8Array, where: string): { name: string; fields: [string, string][] };
}
