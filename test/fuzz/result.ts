/** What a run of a target came to. */
export interface FuzzResult {
  readonly name: string;
  /** Mutated inputs that were run. */
  readonly inputs: number;
  readonly seconds: number;
  /** What was reached, in words: edges of C++, or the share of the named TypeScript files. */
  readonly coverage: string;
  /** Inputs in the corpus at the end. */
  readonly corpus: number;
  /** Files with inputs that broke it. */
  readonly findings: readonly string[];
}
