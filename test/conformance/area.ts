/** One comparison with the reference. It passes when `deviation <= tolerance`; NaN never passes. */
export interface Outcome {
  /** File or case, e.g. "vit/clip-tiny block 3". */
  readonly subject: string;
  /** Largest deviation found, in the unit of the tolerance. Exact comparisons count differences. */
  readonly deviation: number;
  readonly tolerance: number;
  /** What was compared, or why the tolerance is what it is. */
  readonly note?: string;
}

/** Everything compared in one folder of the reference. */
export interface ConformanceArea {
  /** Name in the table, e.g. "shards". */
  readonly name: string;
  /** Runs all comparisons against the reference at `folder`, reading shapes, names and thresholds from its files. */
  run(folder: string): AsyncIterable<Outcome>;
}

/** Whether the comparison holds. */
export const passes = (o: Outcome): boolean => o.deviation <= o.tolerance;
