import type { Notes } from "../../../src/explorer/api.js";
import { type Columns, type LatentState, latentStates, stateOf } from "./columns.js";
import type { LabelOf } from "./labels.js";
import { type Names, wordsOf } from "./names.js";

/**
 * What a list can be ordered by; `id` is the latent's number, `name` what a person called it, `label` that of its best image,
 * `fit` how well a text fits.
 */
export const sortKeys = ["frequency", "mean", "max", "percentile", "id", "name", "label", "fit"] as const;
export type SortKey = (typeof sortKeys)[number];

export type Range = readonly [lo: number, hi: number];

/** Which latents are listed, and in what order. The address holds it, see `filter-address.ts`. */
export interface Filter {
  /** A latent's number, or words of its name, its note, its suggested names or its best image's label; empty: all. */
  readonly text: string;
  /** A text that latents are ranked by, when they are sorted by `fit`. */
  readonly like: string;
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
  like: "",
  states: new Set(latentStates),
  frequency: undefined,
  mean: undefined,
  noted: false,
  sort: "frequency",
  descending: true,
};

const within = (x: number, [lo, hi]: Range) => lo <= x && x <= hi;

/** What texts say of latents. */
export interface Texts {
  readonly names: Names;
  /** How well the text {@link Filter.like} fits each latent, where that is known. */
  readonly scores?: Float32Array | undefined;
  /** Labels of best images. */
  readonly labelOf?: LabelOf | undefined;
}

/**
 * The latents that pass, in order. Values that are not numbers come last, equals by number.
 * @param among only these; default: all.
 */
export function select(
  columns: Columns,
  notes: Notes,
  filter: Filter,
  among: Iterable<number> = columns.frequency.keys(),
  texts: Texts = { names: { state: "none" } },
): Uint32Array {
  const { frequency, mean } = columns;
  const wanted = filter.text.trim().toLowerCase();
  const kept: number[] = [];
  for (const latent of among) {
    if (!filter.states.has(stateOf(frequency[latent]!))) continue;
    if (filter.frequency && !within(Math.log10(frequency[latent]!), filter.frequency)) continue;
    if (filter.mean && !within(Math.log10(mean[latent]!), filter.mean)) continue;
    if (wanted !== "" && !matches(latent, notes[latent], texts, wanted)) continue;
    if (filter.noted && notes[latent] === undefined) continue;
    kept.push(latent);
  }
  return Uint32Array.from(kept.sort(comparison(columns, notes, filter, texts)));
}

/** Far faster than `localeCompare` over a hundred thousand. */
const inOrder = new Intl.Collator();

function matches(
  latent: number,
  note: Notes[string] | undefined,
  { names, labelOf }: Texts,
  wanted: string,
): boolean {
  if (String(latent) === wanted) return true;
  if (note !== undefined && `${note.name}\n${note.note}`.toLowerCase().includes(wanted)) return true;
  if (labelOf?.(latent).toLowerCase().includes(wanted)) return true;
  return wordsOf(names, latent).some((word) => word.toLowerCase().includes(wanted));
}

function comparison(columns: Columns, notes: Notes, { sort, descending }: Filter, texts: Texts) {
  const sign = descending ? -1 : 1;
  if (sort === "id") return (a: number, b: number) => sign * (a - b);
  if (sort === "name" || sort === "label") {
    const word =
      sort === "label"
        ? (latent: number) => texts.labelOf?.(latent) ?? ""
        : (latent: number) => notes[latent]?.name || wordsOf(texts.names, latent)[0] || "";
    // Those without one come last whatever the direction.
    return (a: number, b: number) => {
      const [x, y] = [word(a), word(b)];
      return Number(x === "") - Number(y === "") || sign * inOrder.compare(x, y) || a - b;
    };
  }
  const values = sort === "fit" ? (texts.scores ?? columns.frequency) : columns[sort];
  return (a: number, b: number) => {
    const x = values[a]!;
    const y = values[b]!;
    return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || sign * (x - y) || a - b;
  };
}
