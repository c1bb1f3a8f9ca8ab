import type { Notes } from "../../../src/explorer/api.js";
import { type Columns, type LatentState, latentStates, stateOf } from "./columns.js";

/** What a list can be ordered by; `id` is the latent's number, `name` what a person called it. */
export const sortKeys = ["frequency", "mean", "max", "percentile", "id", "name"] as const;
export type SortKey = (typeof sortKeys)[number];

export type Range = readonly [lo: number, hi: number];

/** Which latents are listed, and in what order. The address holds it, see `filter-address.ts`. */
export interface Filter {
  /** A latent's number, or words of its name or note; empty: all. */
  readonly text: string;
  readonly states: ReadonlySet<LatentState>;
  /** log10 of the frequency and of the mean value; a latent that never fires is outside any range. */
  readonly frequency?: Range | undefined;
  readonly mean?: Range | undefined;
  /** Only those that a person has named or written about. */
  readonly noted: boolean;
  readonly sort: SortKey;
  readonly descending: boolean;
}

export const everything: Filter = {
  text: "",
  states: new Set(latentStates),
  frequency: undefined,
  mean: undefined,
  noted: false,
  sort: "frequency",
  descending: true,
};

const within = (x: number, [lo, hi]: Range) => lo <= x && x <= hi;

/**
 * The latents that pass, in order. Values that are not numbers come last, equals by number.
 * @param among only these; default: all.
 */
export function select(
  columns: Columns,
  notes: Notes,
  filter: Filter,
  among: Iterable<number> = columns.frequency.keys(),
): Uint32Array {
  const { frequency, mean } = columns;
  const wanted = filter.text.trim().toLowerCase();
  const kept: number[] = [];
  for (const latent of among) {
    if (!filter.states.has(stateOf(frequency[latent]!))) continue;
    if (filter.frequency && !within(Math.log10(frequency[latent]!), filter.frequency)) continue;
    if (filter.mean && !within(Math.log10(mean[latent]!), filter.mean)) continue;
    if (wanted !== "" && !matches(latent, notes[latent], wanted)) continue;
    if (filter.noted && notes[latent] === undefined) continue;
    kept.push(latent);
  }
  return Uint32Array.from(kept.sort(comparison(columns, notes, filter)));
}

function matches(latent: number, note: Notes[string] | undefined, wanted: string): boolean {
  if (String(latent) === wanted) return true;
  return note !== undefined && `${note.name}\n${note.note}`.toLowerCase().includes(wanted);
}

function comparison(columns: Columns, notes: Notes, { sort, descending }: Filter) {
  const sign = descending ? -1 : 1;
  if (sort === "id") return (a: number, b: number) => sign * (a - b);
  if (sort === "name") {
    const name = (latent: number) => notes[latent]?.name ?? "";
    // Those without a name come last whatever the direction.
    return (a: number, b: number) =>
      Number(name(a) === "") - Number(name(b) === "") || sign * name(a).localeCompare(name(b)) || a - b;
  }
  const values = columns[sort];
  return (a: number, b: number) => {
    const x = values[a]!;
    const y = values[b]!;
    return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || sign * (x - y) || a - b;
  };
}
