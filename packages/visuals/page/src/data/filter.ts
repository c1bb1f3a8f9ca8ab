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
  const { sort, descending } = filter;
  if (sort === "id" || sort === "name" || sort === "label")
    return Uint32Array.from(kept.sort(comparison(notes, sort, descending, texts)));
  return byValue(kept, sort === "fit" ? (texts.scores ?? frequency) : columns[sort], descending);
}

/** Far faster than `localeCompare` over a hundred thousand; the browser takes a while to make it. */
let inOrder: Intl.Collator | undefined;

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

function comparison(notes: Notes, sort: "id" | "name" | "label", descending: boolean, texts: Texts) {
  const sign = descending ? -1 : 1;
  if (sort === "id") return (a: number, b: number) => sign * (a - b);
  const word =
    sort === "label"
      ? (latent: number) => texts.labelOf?.(latent) ?? ""
      : (latent: number) => notes[latent]?.name || wordsOf(texts.names, latent)[0] || "";
  inOrder ??= new Intl.Collator();
  const { compare } = inOrder;
  // Those without one come last whatever the direction.
  return (a: number, b: number) => {
    const [x, y] = [word(a), word(b)];
    return Number(x === "") - Number(y === "") || sign * compare(x, y) || a - b;
  };
}

/** Latents that fit beside a value in the 53 bits of a number. */
const most = 2 ** 21;

/**
 * By value, NaN last and equals by number. Each becomes one number, a float32's bits above and the latent below: the browser's own
 * order of numbers takes a tenth of the time of a comparison in JavaScript.
 */
function byValue(latents: readonly number[], values: Float32Array, descending: boolean): Uint32Array {
  if (values.length > most)
    throw new RangeError(`${values.length} latents are more than the ${most} that can be put in order`);
  const bits = new Uint32Array(values.slice().buffer);
  const keys = Float64Array.from(latents, (latent) => {
    const value = values[latent]!;
    if (Number.isNaN(value)) return 0xffffffff * most + latent;
    const plain = value === 0 ? 0 : bits[latent]!;
    // Bits of negative floats fall as the floats rise.
    const rising = plain >>> 31 ? ~plain >>> 0 : (plain | 0x80000000) >>> 0;
    return (descending ? ~rising >>> 0 : rising) * most + latent;
  });
  return Uint32Array.from(keys.sort(), (key) => key % most);
}
