import { type Columns, type LatentState, latentStates, stateOf } from "./columns.js";
import { palettes } from "./heat.js";

export type MapColour = "frequency" | "mean" | "max" | "percentile" | "fit" | "state";

/** What points can be coloured by. */
export const colourNames: Readonly<Record<MapColour, string>> = {
  frequency: "log₁₀ frequency",
  mean: "log₁₀ mean value",
  max: "log₁₀ largest value",
  percentile: "percentile",
  fit: "fit of the text",
  state: "state",
};

export interface MapColours {
  /** As CSS; undefined for a latent that has no such value. */
  readonly of: (latent: number) => string | undefined;
  /** Smallest and largest value, with colours from one to the other; or a colour each. */
  readonly legend:
    | { readonly lo: number; readonly hi: number; readonly steps: readonly string[] }
    | { readonly names: readonly (readonly [name: string, colour: string])[] };
}

/** On a dark ground the palette's dark end cannot be seen, on a light one its light end. */
const ends = { dark: [78, 255], light: [0, 215] } as const;

const stateColours: Readonly<Record<"dark" | "light", Readonly<Record<LatentState, string>>>> = {
  dark: { alive: "#8db4f2", dense: "#f0906f", "almost dead": "#b9a4e8", dead: "#7d828c" },
  light: { alive: "#2559a8", dense: "#b13a1f", "almost dead": "#7448b8", dead: "#8b9099" },
};

/**
 * @param latents those whose values the scale spans.
 * @param scores how well a text fits, for `fit`; NaN where that is not known.
 */
export function mapColours(
  colour: MapColour,
  columns: Columns,
  latents: Uint32Array,
  { dark, scores }: { readonly dark: boolean; readonly scores?: Float32Array | undefined },
): MapColours {
  const ground = dark ? "dark" : "light";
  if (colour === "state") {
    const colours = stateColours[ground];
    return {
      of: (latent) => colours[stateOf(columns.frequency[latent]!)],
      legend: { names: latentStates.map((state) => [state, colours[state]] as const) },
    };
  }
  const worth = values(colour, columns, scores);
  let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const latent of latents) {
    const value = worth(latent);
    if (!Number.isFinite(value)) continue;
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  const [first, last] = ends[ground];
  const steps = Array.from({ length: last - first + 1 }, (_, i) => {
    const [r, g, b] = palettes.plasma!.subarray(3 * (first + i), 3 * (first + i) + 3);
    return `rgb(${r} ${g} ${b})`;
  });
  return {
    of: (latent) => {
      const value = worth(latent);
      if (!Number.isFinite(value)) return undefined;
      const step = Math.round(((value - lo) / (hi - lo || 1)) * (steps.length - 1));
      return steps[Math.max(0, Math.min(steps.length - 1, step))];
    },
    legend: { lo, hi, steps },
  };
}

function values(colour: Exclude<MapColour, "state">, columns: Columns, scores: Float32Array | undefined) {
  if (colour === "fit") return (latent: number) => scores?.[latent] ?? Number.NaN;
  const column = columns[colour];
  if (colour === "percentile") return (latent: number) => column[latent]!;
  return (latent: number) => Math.log10(column[latent]!);
}
