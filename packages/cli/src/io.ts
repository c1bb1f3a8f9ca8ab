import type { Grammar } from "./argv/read.js";
import type { CommandDoc } from "./help/command-help.js";

/** A stream as the command needs it: `process.stdout` is one, and so is a list of texts in a test. */
export interface Out {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Where a command's words go: results to `stdout`, everything else to `stderr`. */
export interface Io {
  readonly stdout: Out;
  readonly stderr: Out;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How a command's help is written; the default is text for a terminal. */
  readonly help?: ((doc: CommandDoc, grammar: Grammar) => string) | undefined;
}

/** Whether text on this stream may be coloured: a terminal that is not "dumb", and no NO_COLOR (no-color.org). */
export function hasColour(out: Out, env: Io["env"]): boolean {
  return out.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

/** Columns to fill: the terminal's, else COLUMNS, else 100. */
export function widthOf(out: Out, env: Io["env"]): number {
  const columns = out.columns ?? Number(env.COLUMNS);
  return Number.isInteger(columns) && columns > 0 ? columns : 100;
}
