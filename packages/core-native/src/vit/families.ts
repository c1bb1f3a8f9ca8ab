import { SaevError } from "../errors.js";
import { clip } from "./clip.js";
import { dinov2 } from "./dinov2.js";
import { dinov3 } from "./dinov3.js";
import { eva } from "./eva.js";
import type { ModelConfig, ModelFamily } from "./family.js";
import { JsonReader } from "./json-reader.js";
import { perceptionEncoder } from "./perception-encoder.js";
import { siglip } from "./siglip.js";
import { plainVit } from "./vit-family.js";

/** Where two recognise a config, the later is the right one: trunks of timm have CLIP's file with something more in it. */
export const families: readonly ModelFamily[] = [
  ...[clip, plainVit, siglip, eva, perceptionEncoder],
  ...[dinov2, dinov3],
];

/** Names of the families that this version runs. */
export const familyNames: readonly string[] = families.map((family) => family.name);

/** @throws SaevError `UNSUPPORTED` for a family that this version does not run. */
export function familyOf(name: string): ModelFamily {
  const family = families.find((f) => f.name === name);
  if (family) return family;
  throw new SaevError(
    "UNSUPPORTED",
    `vit_family "${name}" is not run by this version; it runs ${familyNames.join(", ")}`,
  );
}

/**
 * The family called `name`, for a model with this config.
 * @throws SaevError `INVALID_ARGUMENT` when the config is that of another family, which the message names.
 */
export function familyFor(name: string, config: ModelConfig | undefined): ModelFamily {
  const family = familyOf(name);
  if (!config) return family;
  const right = recognise(JsonReader.parse(config.text, config.from));
  if (!right || right === family) return family;
  throw new SaevError(
    "INVALID_ARGUMENT",
    `${config.from}: this is a model of the ${right.name} family, not of ${name}; use vit_family ${right.name}`,
  );
}

/** The family whose model a config is of; undefined when none knows its form. */
export const recognise = (config: JsonReader): ModelFamily | undefined =>
  families.findLast((family) => family.recognises(config));
