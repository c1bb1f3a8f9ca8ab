import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import type { NativeModelSizes } from "../native/vision-model.js";
import type { ModelDescription } from "./family.js";

/** A description from the sizes that go to the native side. */
export function descriptionOf(
  sizes: NativeModelSizes,
  transform: Transform,
  rest: Pick<ModelDescription, "clsToken"> & Partial<Pick<ModelDescription, "nRegisters" | "mlp">>,
): ModelDescription {
  const { nLayers, dVit, heads, hidden, patchHeight, patchWidth } = sizes;
  const nPatches = Math.floor(sizes.height / patchHeight) * Math.floor(sizes.width / patchWidth);
  if (!Number.isSafeInteger(nPatches) || nPatches < 1) {
    throw new SaevError(
      "BAD_FILE",
      `the model's config: a patch of ${patchWidth} × ${patchHeight} pixels does not divide ${sizes.width} × ${sizes.height} pixels`,
    );
  }
  return {
    ...{ nLayers, dVit, heads, hidden, patchHeight, patchWidth, nPatches },
    mlp: `${sizes.gelu} GELU`,
    nRegisters: 0,
    ...rest,
    transform,
  };
}
