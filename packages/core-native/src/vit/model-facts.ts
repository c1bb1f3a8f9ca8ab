import { SaevError } from "../errors.js";
import { sizesOf } from "../hub/models.js";
import { type ResolveOptions, resolveConfig } from "../hub/resolve.js";
import type { Transform } from "../images/transform.js";
import { familyFor, familyOf, recognise } from "./families.js";
import { configOf } from "./family.js";
import { JsonReader } from "./json-reader.js";
import { dinov2Transform } from "./usual-transforms.js";

/** What the commands must know of a model before its weights are here. */
export interface ModelFacts {
  /** As in `vit_family`. */
  readonly family: string;
  readonly nLayers: number;
  readonly dVit: number;
  /** Patches of a picture. */
  readonly nPatches: number;
  readonly clsToken: boolean;
  /** What is done to a picture before the first layer: the same that `ViT` does. */
  readonly transform: Transform;
  /** What names the model in messages: its folder or repository. */
  readonly folder: string;
}

/**
 * What a model's config says, or its name: no weights are read or downloaded.
 * @param family as in `vit_family`; undefined: that of the config.
 * @throws SaevError as {@link resolveConfig}, and as loading the model would for its config; `UNSUPPORTED` for a config of
 * no family.
 */
export async function modelFacts(
  family: string | undefined,
  ckpt: string,
  options: ResolveOptions = {},
): Promise<ModelFacts> {
  if (family !== undefined) familyOf(family); // before anything is looked for
  const resolved = await resolveConfig(family, ckpt, options);
  const { folder, reference } = resolved;
  if (reference.kind === "dinov2") {
    const { layers, dVit, nPatches, clsToken } = sizesOf(reference)!;
    return {
      ...{ family: "dinov2", nLayers: layers, dVit, nPatches, clsToken },
      ...{ transform: dinov2Transform, folder },
    };
  }
  const config = configOf(resolved);
  const found =
    family === undefined ? recognise(JsonReader.parse(config.text, config.from)) : familyFor(family, config);
  if (!found)
    throw new SaevError("UNSUPPORTED", `${config.from}: this is the config of no model that saev knows`);
  const { nLayers, dVit, nPatches, clsToken, transform } = found.describe(config);
  return { family: found.name, nLayers, dVit, nPatches, clsToken, transform, folder };
}
