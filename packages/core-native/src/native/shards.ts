import type { Control, Handle } from "./addon.js";

export interface NativeShardLayout {
  readonly nImgs: number;
  readonly nLayers: number;
  readonly nTokens: number;
  readonly dVit: number;
  readonly nImgsPerShard: number;
}

export interface ShardWriterExports {
  openShardWriter(
    folder: string,
    metadata: string,
    layout: NativeShardLayout,
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
}
