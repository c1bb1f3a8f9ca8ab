import type { StoredDtype } from "@saev/config";
import type { Control, Handle } from "./addon.js";

/** Which rows a source has, how they are scaled, and in which order they come. */
export interface NativeRowOptions {
  readonly nImgs: number;
  readonly nLayers: number;
  readonly nTokens: number;
  readonly dVit: number;
  readonly clsToken: boolean;
  readonly patches: "cls" | "patches" | "meanpool";
  readonly layers: "one" | "all" | "meanpool";
  /** Position among the recorded layers, for `layers: "one"`. */
  readonly layer: number;
  readonly clamp: number;
  readonly scalar: number;
  /** float32 [dVit]; zeros when absent. */
  readonly actMean?: Handle<"Tensor">;
  readonly order: "ordered" | "shuffled";
  readonly seed: number;
  /** Images whose rows are shuffled together; 0: all. */
  readonly imagesPerBlock: number;
  readonly threads: number;
}

export interface NativeShardSourceOptions extends NativeRowOptions {
  readonly dir: string;
  readonly imgsPerShard: number;
  readonly dtype: StoredDtype;
  /** Whether the last file may end after its last image. */
  readonly shortLast: boolean;
  /** Images without activations. */
  readonly leftOut: readonly number[];
  readonly computeMean: boolean;
  readonly computeScalar: boolean;
  readonly nRandomSamples: number;
  /** Rows of the shuffle buffer; 0: rows are read where the shuffled order leads. */
  readonly buffer: number;
  readonly prefetch: boolean;
}

/** What the scaling of a source has come to. */
export interface NativeScaled {
  readonly actMean: Handle<"Tensor">;
  readonly scalar: number;
  readonly nSamples: number;
  readonly largestSample: number;
}

export interface NativeShardSource extends NativeScaled {
  readonly source: Handle<"BatchSource">;
}

export interface NativeBatch {
  readonly acts: Handle<"Tensor">;
  readonly index: Handle<"Tensor">;
  readonly imageI: Handle<"Tensor">;
  readonly patchI: Handle<"Tensor">;
}

/** Bindings of `native/bind/batch_source.cc`. */
export interface BatchSourceExports {
  shardSourceOpen(control: Control, options: NativeShardSourceOptions): Promise<NativeShardSource>;
  memorySource(rows: Handle<"Tensor">, order: readonly number[]): Handle<"BatchSource">;
  batchSourceInfo(source: Handle<"BatchSource">): { dim: number; length: number };
  batchSourceNext(
    control: Control,
    source: Handle<"BatchSource">,
    maxRows: number,
  ): Promise<NativeBatch | null>;
  batchSourceReset(source: Handle<"BatchSource">): void;
  batchSourceState(source: Handle<"BatchSource">): string;
  batchSourceRestore(source: Handle<"BatchSource">, state: string): void;
  numpyPermutation(control: Control, seed: number, n: number, count: number): Promise<Handle<"Tensor">>;
}
