import type { LongCallOptions } from "../../native/call.js";
import type { SparseAutoencoder } from "../sparse-autoencoder.js";

/** A layout in which another tool keeps an SAE: a folder of weights and a config. */
export interface CheckpointFormat {
  /** As `saev convert --to` names it. */
  readonly name: string;
  /** Whether `path`, a folder or its weights, holds such a checkpoint. Looks at names of files and fields only. */
  recognises(path: string): Promise<boolean>;
  /**
   * Reads it with equal latents and reconstructions.
   * @throws SaevError `UNSUPPORTED` with the reason for what our SAE cannot hold, `BAD_FILE`, `NUMERIC`, `IO`.
   */
  read(path: string, options?: LongCallOptions): Promise<SparseAutoencoder>;
  /**
   * Writes its files into the folder `dir`, which is there and empty.
   * @throws SaevError `UNSUPPORTED` with the reason for what the format cannot hold, `IO`.
   */
  write(dir: string, sae: SparseAutoencoder, options?: LongCallOptions): Promise<void>;
  /** What of `sae` the format has no place for although its latents stay the same, as sentences; empty where it keeps all. */
  notKept(sae: SparseAutoencoder): readonly string[];
}
