import { commands } from "./commands/index.js";
import { exitCodeOf, report, UsageError } from "./errors.js";
import { Exit, type ExitCode } from "./exit.js";
import { overview } from "./help/overview.js";
import { styleOf } from "./help/style.js";
import { hasColour, type Io, widthOf } from "./io.js";
import { version } from "./version.js";

/**
 * Runs the `saev` command.
 * @param argv the words after `saev`.
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Nothing is thrown: errors are reported on
 *   `io.stderr`.
 */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await run(argv, io);
  } catch (error) {
    report(error, io, wantsJson(argv));
    return exitCodeOf(error);
  }
}

async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const words = argv[0] === "help" ? [...argv.slice(1), "--help"] : argv;
  const [first, ...rest] = words;
  if (first === undefined || first === "--help" || first === "-h") {
    io.stdout.write(overview(commands, styleOf(hasColour(io.stdout, io.env)), widthOf(io.stdout, io.env)));
    return Exit.done;
  }
  if (first === "--version" || first === "-V") {
    io.stdout.write(`${version()}\n`);
    return Exit.done;
  }
  const listed = commands.find(({ name }) => name === first);
  if (listed === undefined) throw await unknownCommand(first);
  const [{ Cli }, command] = await Promise.all([import("clipanion"), listed.load()]);
  const cli = Cli.from([command], { binaryName: "saev", enableColors: false });
  return cli.process([first, ...rest], { ...Cli.defaultContext, io }).execute() as Promise<ExitCode>;
}

async function unknownCommand(word: string): Promise<UsageError> {
  const names = commands.map(({ name }) => name);
  const { didYouMean, nearestNames } = await import("./argv/nearest.js");
  const near = nearestNames(word, names);
  const hint = near.length > 0 ? didYouMean(near) : `; the commands are ${names.join(", ")}`;
  return new UsageError("", [`${word}: no such command${hint}`]);
}

/** Whether errors are to be JSON too. Asked before, or although, the words cannot be read. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, i) =>
      word === "--log-format=json" || (word === "json" && /^--log[-_]format$/.test(argv[i - 1] ?? "")),
  );
}
