import { sizesOf } from "../hub/models.js";
import { type ResolveOptions, resolveConfig } from "../hub/resolve.js";
import { familyFor, familyOf } from "./families.js";
import { configOf } from "./family.js";

/** What the commands must know of a model before its weights are here. */
export interface ModelFacts {
  readonly nLayers: number;
  readonly dVit: number;
  /** Patches of a picture. */
  readonly nPatches: number;
  readonly clsToken: boolean;
  /** What names the model in messages: its folder or repository. */
  readonly folder: string;
}

/**
 * What a model's config says, or its name: no weights are read or downloaded.
 * @throws SaevError as {@link resolveConfig}, and as loading the model would for its config.
 */
export async function modelFacts(
  family: string,
  ckpt: string,
  options: ResolveOptions = {},
): Promise<ModelFacts> {
  familyOf(family); // before anything is looked for
  const resolved = await resolveConfig(family, ckpt, options);
  const { folder, reference } = resolved;
  if (reference.kind === "dinov2") {
    const { layers, dVit, nPatches, clsToken } = sizesOf(reference)!;
    return { nLayers: layers, dVit, nPatches, clsToken, folder };
  }
  const { nLayers, dVit, nPatches, clsToken } = familyFor(family, resolved.config).describe(
    configOf(resolved),
  );
  return { nLayers, dVit, nPatches, clsToken, folder };
}
