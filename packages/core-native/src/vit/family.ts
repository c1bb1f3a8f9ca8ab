import { SaevError } from "../errors.js";
import type { ResolvedModel } from "../hub/resolve.js";
import type { Transform } from "../images/transform.js";
import type { Handle } from "../native/addon.js";
import type { LongCallOptions } from "../native/call.js";
import type { JsonReader } from "./json-reader.js";

/** A model as a family hands it over: its native side, and what to do to a picture before it. */
export interface LoadedModel {
  readonly handle: Handle<"VisionModel">;
  readonly transform: Transform;
}

/** What a config says of a model, without its weights. */
export interface ModelDescription {
  readonly nLayers: number;
  readonly dVit: number;
  readonly heads: number;
  /** Width of an MLP's hidden layer. */
  readonly hidden: number;
  readonly mlp: "erf GELU" | "tanh GELU" | "quick GELU" | "SwiGLU";
  readonly patchHeight: number;
  readonly patchWidth: number;
  readonly nPatches: number;
  readonly clsToken: boolean;
  /** Register tokens, which are never recorded. */
  readonly nRegisters: number;
  readonly transform: Transform;
}

/** The text of a config and what names it in messages. */
export type ModelConfig = NonNullable<ResolvedModel["config"]>;

/**
 * The seam of model families: reading a checkpoint's config, naming its preprocessing, loading its weights. A family
 * is one file here and one in `native/vit/`; `families.ts` lists them.
 */
export interface ModelFamily {
  /** As in `vit_family`. */
  readonly name: string;
  /** What most published models of the family do to a picture, for when the model itself is not at hand. */
  readonly usual: Transform;
  /** Whether a config is that of a model of this family. */
  recognises(config: JsonReader): boolean;
  /** What a config says, or rather what {@link load} would make of it. @throws SaevError as load does. */
  describe(config: ModelConfig): ModelDescription;
  /**
   * The text of a config for weights that come without one, when they are those of a model of this family and say
   * all that the family must know. `shape` is undefined for tensors that are not there.
   */
  configOfWeights?(
    names: readonly string[],
    shape: (name: string) => readonly number[] | undefined,
  ): string | undefined;
  /**
   * Loads a model whose files are here.
   * @throws SaevError `BAD_FILE` when config and weights are damaged or do not
   * belong together, `UNSUPPORTED` for a kind of model that this family cannot run.
   */
  load(model: ResolvedModel, options?: LongCallOptions): Promise<LoadedModel>;
}

/** The config that a family's layout has. @throws SaevError `NOT_FOUND` where there is none. */
export function configOf({ folder, config }: ResolvedModel): ModelConfig {
  if (config) return config;
  throw new SaevError("NOT_FOUND", `${folder}: expected a config beside the weights, found none`);
}
