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
  return {
    ...{ nLayers, dVit, heads, hidden, patchHeight, patchWidth, nPatches },
    mlp: `${sizes.gelu} GELU`,
    nRegisters: 0,
    ...rest,
    transform,
  };
}
