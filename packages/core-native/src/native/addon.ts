/**
 * The addon's exports, exactly: a test compares these names with what the built addon exports.
 * Nothing outside `src/` sees them; the classes of this package are the API.
 */

import type { BatchSourceExports } from "./batch-source.js";
import type { CudaExports } from "./cuda.js";
import type { EvaluationExports } from "./evaluation.js";
import type { ImageExports } from "./image.js";
import type { IoExports } from "./io.js";
import type { LatentProbesExports } from "./latent-probes.js";
import type { LiveSourceExports } from "./live-source.js";
import type { NearestRowsExports } from "./nearest-rows.js";
import type { SaeExports, TrainerExports } from "./sae.js";
import type { TextModelExports } from "./text-model.js";
import type { TopKExports } from "./top-k.js";
import type { VisionModelExports } from "./vision-model.js";

declare const handle: unique symbol;

/** An opaque native object. `K` is the class that the native side checks. */
export type Handle<K extends string> = { readonly [handle]: K };

/** Second half of every long call. */
export interface Control {
  readonly abort?: Handle<"AbortFlag">;
  readonly onProgress?: (progress: NativeProgress) => void;
}

export interface NativeProgress {
  readonly done: number;
  readonly total: number;
  readonly [value: string]: number;
}

export type DtypeName =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint8"
  | "bool";

interface HandleExports {
  dispose(handle: Handle<string>): void;
  isDisposed(handle: Handle<string>): boolean;
}

interface FolderLockExports {
  lockFolder(folder: string, busy: string): Handle<"FolderLock">;
}

interface AbortExports {
  abortFlag(): Handle<"AbortFlag">;
  abort(flag: Handle<"AbortFlag">): void;
}

export interface NativeSystemInfo {
  readonly flavour: string;
  readonly libtorch: string;
  readonly cpuFeatures: string;
  readonly level: string;
  readonly levels: readonly string[];
  readonly threads: number;
}

interface SystemExports {
  systemInfo(): NativeSystemInfo;
  forceLevel(level: string): void;
}

interface TensorExports {
  tensorFrom(bytes: Uint8Array, shape: readonly number[], dtype: DtypeName): Handle<"Tensor">;
  tensorZeros(shape: readonly number[]): Handle<"Tensor">;
  tensorInfo(tensor: Handle<"Tensor">): { shape: number[]; dtype: DtypeName };
  tensorBytes(tensor: Handle<"Tensor">): ArrayBuffer;
  tensorNarrow(tensor: Handle<"Tensor">, dim: number, start: number, length: number): Handle<"Tensor">;
}

export interface Addon
  extends HandleExports,
    AbortExports,
    FolderLockExports,
    SystemExports,
    TensorExports,
    BatchSourceExports,
    LiveSourceExports,
    CudaExports,
    IoExports,
    SaeExports,
    TrainerExports,
    EvaluationExports,
    ImageExports,
    TopKExports,
    NearestRowsExports,
    LatentProbesExports,
    VisionModelExports,
    TextModelExports {}
