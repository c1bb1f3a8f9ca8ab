import { columnNames } from "../../../src/explorer/api.js";

/** What is known of every latent, a value each; see `columnNames`. */
export type Columns = { readonly [K in (typeof columnNames)[number]]: Float32Array };

/** `columns.bin`: little-endian, as typed arrays are on every machine that runs a browser. */
export function columnsOf(bytes: ArrayBuffer): Columns {
  const dSae = bytes.byteLength / 4 / columnNames.length;
  return Object.fromEntries(
    columnNames.map((name, i) => [name, new Float32Array(bytes, 4 * i * dSae, dSae)]),
  ) as Columns;
}

/**
 * What a latent's firing frequency says of it: never, in fewer than one of ten million rows, in more than one of a hundred
 * (the limits of the Python package's evaluation), or between.
 */
export type LatentState = "alive" | "dense" | "almost dead" | "dead";
export const latentStates: readonly LatentState[] = ["alive", "dense", "almost dead", "dead"];

export function stateOf(frequency: number): LatentState {
  if (frequency === 0) return "dead";
  if (frequency < 1e-7) return "almost dead";
  return frequency > 1e-2 ? "dense" : "alive";
}
