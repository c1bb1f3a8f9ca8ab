import { SaevError } from "../errors.js";
import { clip } from "./clip.js";
import { dinov2 } from "./dinov2.js";
import type { ModelFamily } from "./family.js";
import { siglip } from "./siglip.js";

/** Where two recognise a config, the later is the right one: SigLIPs have CLIP's file with something more in it. */
export const families: readonly ModelFamily[] = [clip, siglip, dinov2];

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
