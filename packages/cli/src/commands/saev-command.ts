import { type BaseContext, Command, Option } from "clipanion";
import type { ExitCode } from "../exit.js";
import type { Io } from "../io.js";

/** What clipanion hands to each command. */
export type Context = BaseContext & { readonly io: Io };

/**
 * A command of `saev`. clipanion picks the class by the first word; the words after it reach `execute` untouched, since
 * clipanion reads neither negative numbers nor `--a.b=1`. Everything heavy is imported inside `execute`.
 */
export abstract class SaevCommand extends Command<Context> {
  /** Every word after the command's name. */
  readonly words = Option.Proxy();

  abstract override execute(): Promise<ExitCode>;
}
