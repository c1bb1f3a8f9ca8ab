import type { Grammar } from "../argv/read.js";
import { hasColour, type Io, widthOf } from "../io.js";
import { type CommandDoc, commandHelp } from "./command-help.js";
import { styleOf } from "./style.js";

/** A command's help in the form that `io` asks for, else as text for its terminal. */
export function helpText(doc: CommandDoc, grammar: Grammar, io: Io): string {
  if (io.help) return io.help(doc, grammar);
  return commandHelp(doc, grammar, styleOf(hasColour(io.stdout, io.env)), widthOf(io.stdout, io.env));
}
