import type { ModelReference } from "./references.js";

/** A model whose files are all here. */
export interface ResolvedModel {
  /** The reference it came from. */
  readonly reference: ModelReference;
  /** The folder that holds the files: as given, or a snapshot in the cache. */
  readonly folder: string;
  /** The config, where the layout has one: its text, and what names it in messages. */
  readonly config: { readonly text: string; readonly from: string } | undefined;
  /** The weights: one file, or the shards of one model in order. */
  readonly weights: readonly string[];
  /** The commit, of a repository. */
  readonly commit: string | undefined;
}
