/**
 * What went wrong, for programs. The native codes are those of `native/core/error.h`;
 * `ADDON_LOAD` is the loader's own.
 */
export type SaevErrorCode =
  | "INVALID_ARGUMENT"
  | "SHAPE_MISMATCH"
  | "WRONG_HANDLE"
  | "DISPOSED"
  | "NOT_FOUND"
  | "IO"
  | "BAD_FILE"
  | "UNSUPPORTED"
  | "NUMERIC"
  | "OUT_OF_MEMORY"
  | "ABORTED"
  | "INTERNAL"
  | "ADDON_LOAD";

/**
 * Every error that this package throws or rejects with, apart from an aborted call, which rejects with its
 * signal's reason. The message is one line: what was expected, what was found, where, and what to do. (Only
 * `ADDON_LOAD` lists what was tried on lines of their own.)
 */
export class SaevError extends Error {
  override readonly name = "SaevError";

  constructor(
    readonly code: SaevErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code === "ADDON_LOAD" ? message : oneLine(message), options);
  }
}

/** Control characters spelt out: messages repeat what files hold, and must neither break lines nor steer a terminal. */
const oneLine = (message: string): string =>
  message.replace(/\p{Cc}/gu, (c) => {
    const code = c.charCodeAt(0).toString(16).padStart(2, "0");
    return c === "\n" ? "\\n" : c === "\t" ? " " : `\\x${code}`;
  });

const codes: ReadonlySet<string> = new Set<SaevErrorCode>([
  "INVALID_ARGUMENT",
  "SHAPE_MISMATCH",
  "WRONG_HANDLE",
  "DISPOSED",
  "NOT_FOUND",
  "IO",
  "BAD_FILE",
  "UNSUPPORTED",
  "NUMERIC",
  "OUT_OF_MEMORY",
  "ABORTED",
  "INTERNAL",
  "ADDON_LOAD",
]);

/** Turns what the addon threw into a SaevError; leaves everything else as it is. */
export function toSaevError(error: unknown): unknown {
  if (error instanceof SaevError || !(error instanceof Error)) return error;
  const code = (error as Error & { code?: unknown }).code;
  if (typeof code === "string" && codes.has(code)) return new SaevError(code as SaevErrorCode, error.message);
  return error;
}
