/** Mistakes that a message tells; a file may hold any number. */
const mostShown = 12;

/** What kind of failure, for programs; the words are those of the other packages' errors. */
export type ConfigErrorCode = "INVALID_ARGUMENT" | "NOT_FOUND" | "IO" | "BAD_FILE" | "UNSUPPORTED";

/** One mistake in a config, a sweep or a file. */
export interface ConfigIssue {
  /** Dotted path of the value, e.g. "sae.exp_factor"; empty for the whole. */
  readonly path: string;
  /** What would have been right. */
  readonly expected: string;
  /** What was there, shortened. */
  readonly found: string;
  /** The known name that comes closest to the one found. */
  readonly nearest?: string;
  /** All of it in one line. */
  readonly message: string;
}

/**
 * Every error that this package throws. `issues` holds all mistakes found, each with a line of its own;
 * `message` is one line with the first dozen.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(
    readonly code: ConfigErrorCode,
    readonly issues: readonly ConfigIssue[],
    /** What was being read, e.g. a file's path; put before the mistakes. */
    readonly where?: string,
    options?: ErrorOptions,
  ) {
    const more = issues.length - mostShown;
    const lines = [
      ...issues.slice(0, mostShown).map((i) => i.message),
      ...(more > 0 ? [`and ${more} more mistakes`] : []),
    ].join("; ");
    super(where === undefined ? lines : `${where}: ${lines}`, options);
  }
}

/** The mistake "expected this, found that". */
export function wrongValue(path: string, expected: string, value: unknown, nearest?: string): ConfigIssue {
  const found = shown(value);
  const hint = nearest === undefined ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
  const message = `${path === "" ? "" : `${path}: `}expected ${expected}, found ${found}${hint}`;
  return { path, expected, found, ...(nearest === undefined ? {} : { nearest }), message };
}

/** A value as a message shows it: JSON, cut at 60 characters. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return typeof value;
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = typeof value;
  }
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
