/** What a benchmark prints. `ratio` above 1 means that ours is faster. */
export interface BenchResult {
  readonly name: string;
  /** What differs from the result of the same name without it, e.g. "screening off". */
  readonly variant?: string;
  /** Our figure, in `unit`. */
  readonly ours: number;
  /** The peer's figure, in the same run on the same cores. */
  readonly peer: number;
  readonly ratio: number;
  /** e.g. "ms/step", "images/s". */
  readonly unit: string;
  /** Further lines for people: floors, what was compared, settings. */
  readonly notes?: readonly string[];
}
