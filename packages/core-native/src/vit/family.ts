import type { ResolvedModel } from "../hub/resolve.js";
import type { Transform } from "../images/transform.js";
import type { Handle } from "../native/addon.js";
import type { LongCallOptions } from "../native/call.js";

/** A model as a family hands it over: its native side, and what to do to a picture before it. */
export interface LoadedModel {
  readonly handle: Handle<"VisionModel">;
  readonly transform: Transform;
}

/**
 * The seam of model families: reading a checkpoint's config, naming its preprocessing, loading its weights. A family
 * is one file here and one in `native/vit/`; `families.ts` lists them.
 */
export interface ModelFamily {
  /** As in `vit_family`. */
  readonly name: string;
  /**
   * Loads a model whose files are here.
   * @throws SaevError `BAD_FILE` when config and weights are damaged or do not
   * belong together, `UNSUPPORTED` for a kind of model that this family cannot run.
   */
  load(model: ResolvedModel, options?: LongCallOptions): Promise<LoadedModel>;
}
