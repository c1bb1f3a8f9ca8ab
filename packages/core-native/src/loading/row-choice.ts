import type { DataLoad } from "@saev/config";
import { SaevError } from "../errors.js";
import type { NativeRowOptions } from "../native/batch-source.js";

/** Which tokens and layers become rows. */
export type RowChoice = Pick<NativeRowOptions, "patches" | "layers" | "layer">;

/**
 * What a config asks for of the layers that were recorded.
 * @param dir names them in messages.
 * @throws SaevError `INVALID_ARGUMENT` for a layer that was not.
 */
export function chooseRows(
  { layer, patches }: Pick<DataLoad, "layer" | "patches">,
  recorded: readonly number[],
  dir: string,
): RowChoice {
  if (layer === "all" || layer === "meanpool") return { patches, layers: layer, layer: 0 };
  const position = recorded.indexOf(layer);
  if (position >= 0) return { patches, layers: "one", layer: position };
  throw new SaevError(
    "INVALID_ARGUMENT",
    `layer: ${layer} was not recorded in ${dir}, which holds ${recorded.join(", ")}; ` +
      `choose one of them, "all" or "meanpool"`,
  );
}

/** Rows of an image with so many patches and recorded layers. */
export const rowsPerImage = (choice: RowChoice, nPatches: number, nLayers: number): number =>
  (choice.patches === "patches" ? nPatches : 1) * (choice.layers === "all" ? nLayers : 1);
