import type { StoredDtype } from "@saev/config";
import type { Control, Handle } from "./addon.js";

export interface NativeShardLayout {
  readonly nImgs: number;
  readonly nLayers: number;
  readonly nTokens: number;
  readonly dVit: number;
  readonly nImgsPerShard: number;
  readonly dtype: StoredDtype;
}

export interface NativeShardToScan {
  readonly path: string;
  /** Images in it; what follows them should be zeros. */
  readonly images: number;
  /** Whether its digest is wanted. */
  readonly hash: boolean;
}

/** What `native/io/shard_scan.h` says of a file. */
export interface NativeShardScan {
  /** Why it could not be read to its end; empty when it was. */
  readonly error: string;
  readonly bytes: number;
  /** Hex, empty when not wanted. */
  readonly sha256: string;
  readonly nonFinite: number;
  /** Image within the file; −1 when there is none. */
  readonly firstNonFinite: number;
  /** Images within the file all of whose values are 0; the first 2^20 of them. */
  readonly zeroImages: readonly number[];
  readonly paddingNonZero: number;
}

export interface ShardWriterExports {
  scanShards(
    files: readonly NativeShardToScan[],
    bytesPerImg: number,
    dtype: StoredDtype,
    threads: number,
    control: Control,
  ): Promise<NativeShardScan[]>;
  openShardWriter(
    folder: string,
    metadata: string,
    layout: NativeShardLayout,
    computeDtype: "float32" | "bfloat16",
    control: Control,
  ): Promise<Handle<"ShardWriter">>;
  shardWriterInfo(writer: Handle<"ShardWriter">): { nextImage: number; complete: boolean; holes: number[] };
  shardWriterWrite(
    writer: Handle<"ShardWriter">,
    acts: Handle<"Tensor">,
    holes: readonly number[],
    control: Control,
  ): Promise<void>;
  shardWriterCheckpoint(writer: Handle<"ShardWriter">, control: Control): Promise<void>;
  shardWriterFinish(writer: Handle<"ShardWriter">, control: Control): Promise<void>;
  shardWriterAdopt(
    writer: Handle<"ShardWriter">,
    images: number,
    holes: readonly number[],
    sums: readonly string[],
    control: Control,
  ): Promise<void>;
}
