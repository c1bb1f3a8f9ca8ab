import { constants } from "node:os";
import { Exit, type ExitCode } from "./exit.js";
import type { Io } from "./io.js";

/** The words of a command line are wrong: every mistake in a line of its own. */
export class UsageError extends Error {
  override readonly name = "UsageError";

  constructor(
    /** Which command, e.g. "train"; empty for `saev` itself. */
    readonly command: string,
    readonly mistakes: readonly string[],
  ) {
    super(mistakes.join("; "));
  }
}

/** Work was stopped by a signal, from the terminal or the system. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor(readonly signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
  }
}

/** An expected failure of the command itself, with a code like those of the packages' errors. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The exit code for whatever ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return Exit.usage;
  // 130 for Ctrl-C; shells add 128 to the number of any signal.
  if (error instanceof Interrupted) return 128 + constants.signals[error.signal];
  return Exit.failed;
}

/**
 * Says on standard error what went wrong: all mistakes of a command line, else `saev: CODE: message` in one line.
 * The stack is shown only when SAEV_DEBUG is 1. With `json`, one JSON object a line.
 */
export function report(error: unknown, io: Io, json = false): void {
  const write = (line: string) => io.stderr.write(`${line}\n`);
  if (error instanceof UsageError) {
    const { command, mistakes } = error;
    const name = command === "" ? "saev" : `saev ${command}`;
    if (json) {
      for (const message of mistakes) write(JSON.stringify({ event: "error", code: "USAGE", message }));
      return;
    }
    if (mistakes.length === 1) write(`${name}: ${mistakes[0]}`);
    else {
      write(`${name}: ${mistakes.length} mistakes`);
      for (const mistake of mistakes) write(`  ${mistake}`);
    }
    write(`See: ${name} --help`);
  } else {
    const { code, message } = described(error);
    if (json) write(JSON.stringify({ event: "error", code, message }));
    else write(`saev: ${code}: ${message}`);
  }
  if (io.env.SAEV_DEBUG === "1" && error instanceof Error) write(stackOf(error));
}

/** A code and one line for any thrown value. Errors of the packages and of Node have a `code`; anything else is a bug. */
function described(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: "INTERNAL", message: oneLine(String(error)) };
  const { code } = error as { code?: unknown };
  // The loader's message is a list of what was tried.
  if (code === "ADDON_LOAD") return { code, message: error.message };
  if (typeof code === "string") return { code, message: oneLine(error.message) };
  if (error instanceof Interrupted) return { code: "INTERRUPTED", message: error.message };
  return { code: "INTERNAL", message: `${oneLine(error.message)} (SAEV_DEBUG=1 shows the stack)` };
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").trim();

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
