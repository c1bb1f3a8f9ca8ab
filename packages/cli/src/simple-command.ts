import type { FlagTable } from "@saev/config";
import { helpOption, type Option, versionOption } from "./argv/option.js";
import { type CommandLine, readWords } from "./argv/read.js";
import { UsageError } from "./errors.js";
import type { CommandDoc } from "./help/command-help.js";
import { helpText } from "./help/help-text.js";
import type { Io } from "./io.js";
import { version } from "./version.js";

/** A command without a config. */
export interface SimpleCommand {
  readonly doc: CommandDoc;
  readonly options: readonly Option[];
  readonly positionals?: readonly string[];
  /** Fields of a config that it takes besides. */
  readonly table?: FlagTable;
}

/**
 * Reads the words of a command without a config, or prints its help or the version.
 * @returns undefined when that was all.
 * @throws UsageError with every mistake.
 */
export function readSimple(
  command: SimpleCommand,
  words: readonly string[],
  io: Io,
): CommandLine | undefined {
  const options = [...command.options, helpOption, versionOption];
  const { positionals, table } = command;
  const grammar = { options, ...(positionals && { positionals }), ...(table && { table }) };
  const line = readWords(grammar, words);
  if (line.options.get("help") === true) {
    io.stdout.write(helpText(command.doc, grammar, io));
    return undefined;
  }
  if (line.options.get("version") === true) {
    io.stdout.write(`${version()}\n`);
    return undefined;
  }
  if (line.mistakes.length > 0) throw new UsageError(command.doc.name, line.mistakes);
  return line;
}
