import { SaevError } from "../errors.js";

/** The index from 0 of one layer, of which negative ones count from the end. @throws SaevError `INVALID_ARGUMENT`. */
export function resolveLayer(layer: number, nLayers: number): number {
  if (Number.isInteger(layer) && layer >= -nLayers && layer < nLayers)
    return layer < 0 ? layer + nLayers : layer;
  throw new SaevError(
    "INVALID_ARGUMENT",
    `layer: this model has ${nLayers} (0 to ${nLayers - 1}, or -${nLayers} to -1), found ${String(layer)}`,
  );
}

/**
 * Indices from 0 for `layers`, of which negative ones count from the end; their order is kept.
 * @throws SaevError `INVALID_ARGUMENT` for an empty list, a layer that is not there, or one named twice.
 */
export function resolveLayers(layers: readonly number[], nLayers: number): number[] {
  if (layers.length === 0) throw new SaevError("INVALID_ARGUMENT", "layers: expected at least one");
  const wrong = layers.filter((layer) => !Number.isInteger(layer) || layer < -nLayers || layer >= nLayers);
  if (wrong.length > 0) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `layers: this model has ${nLayers} (0 to ${nLayers - 1}, or -${nLayers} to -1), found ${wrong.join(", ")}`,
    );
  }
  const resolved = layers.map((layer) => (layer < 0 ? layer + nLayers : layer));
  const twice = resolved.find((layer, i) => resolved.indexOf(layer) !== i);
  if (twice !== undefined) {
    throw new SaevError("INVALID_ARGUMENT", `layers: [${layers.join(", ")}] names layer ${twice} twice`);
  }
  return resolved;
}
