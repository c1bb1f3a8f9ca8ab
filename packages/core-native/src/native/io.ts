import type { Control } from "./addon.js";
import type { ShardWriterExports } from "./shards.js";
import type { TensorFileExports } from "./tensor-file.js";

/** Everything that `native/bind/io.cc` registers. */
export interface IoExports extends ShardWriterExports, TensorFileExports {
  syncFileSystem(folder: string, control?: Control): Promise<void>;
}
