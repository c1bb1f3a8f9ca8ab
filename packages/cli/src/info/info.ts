/** What `saev info` found out about a path. */
export interface Info {
  /** What it is, in words: "shard folder". */
  readonly title: string;
  /** Lines of name and value, for people. */
  readonly lines: readonly (readonly [name: string, value: string])[];
  /** Below them, e.g. a table. */
  readonly below?: string;
  /** Everything, for programs; begins with `kind` and `path`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** What is wrong with it, one line each. The rest is still worth seeing. */
  readonly problems?: readonly string[];
}
