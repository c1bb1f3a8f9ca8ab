import { ConfigError, flagTable, loadConfigFile, notices, refusals } from "@saev/config";
import { type CommandLine, readWords } from "../argv/read.js";
import { CommandError, Interrupted, UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { helpText } from "../help/help-text.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { makeReporter } from "../progress/reporter.js";
import { version } from "../version.js";
import { assemble } from "./assemble.js";
import { type Base, type Job, jobOptions, type Outcome, type Request } from "./job.js";
import { configJson, configToml } from "./print-config.js";
import { forwardWarnings } from "./warnings.js";

type Options = ReadonlyMap<string, unknown>;

/**
 * Runs a job as its words say: help, --print-config, --dry-run, or the work itself.
 * @throws UsageError with every mistake in words and config file; what the work throws; Interrupted.
 */
export async function runJob<T extends object>(
  job: Job<T>,
  words: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const table = flagTable(job.schema);
  const positionals = job.runs === undefined ? {} : { positionals: [job.runs.name] };
  const grammar = { table, options: [...job.options, ...jobOptions], ...positionals };
  const line = readWords(grammar, words);
  const on = (option: string): boolean => line.options.get(option) === true;
  if (on("help")) {
    io.stdout.write(helpText(job.doc, grammar, io));
    return Exit.done;
  }
  if (on("version")) {
    io.stdout.write(`${version()}\n`);
    return Exit.done;
  }
  const mistakes = [...line.mistakes];
  const bases = basesOf(job, line);
  const [base] = bases;
  if (base !== undefined && line.options.has("config"))
    mistakes.push(`--config: cannot be combined with ${base.path}, which has a config`);
  const file = base ?? readFile(line.options.get("config"), mistakes);
  const assembled = (bases.length > 0 ? bases : [file]).map((from) =>
    assemble(job.schema, table, line, from),
  );
  // A file that could not be read says nothing about the fields it would have set.
  if (file !== undefined || line.options.get("config") === undefined)
    mistakes.push(...new Set(assembled.flatMap((a) => a.mistakes)));
  if (on("print-config") && on("dry-run")) mistakes.push("--print-config: cannot be combined with --dry-run");
  if (on("print-config") && line.options.has("sweep"))
    mistakes.push("--print-config: prints one config; --dry-run --json lists those of a sweep");
  if (on("print-config") && bases.length > 1)
    mistakes.push(`--print-config: prints one config, found ${bases.length} runs; name one of them`);
  let cfgs: readonly T[] = assembled.flatMap(({ config }) => (config === undefined ? [] : [config]));
  if (cfgs.length === 1 && job.expand) {
    const expanded = job.expand(cfgs[0]!, line.options);
    mistakes.push(...expanded.mistakes);
    cfgs = expanded.cfgs;
  }
  if (!on("print-config")) mistakes.push(...refused(job, cfgs));
  if (mistakes.length > 0) throw new UsageError(job.doc.name, mistakes);
  const json = on("json") || line.options.get("log-format") === "json";
  const request: Request<T> = { cfgs, options: line.options };
  if (on("print-config")) io.stdout.write(json ? configJson(cfgs[0]) : configToml(cfgs[0]!));
  else if (on("dry-run")) print(await job.plan(request), { json, quiet: on("quiet") }, io);
  else {
    const outcome = await work(job, request, line.options, io);
    print(outcome, { json, quiet: on("quiet") }, io);
    if (outcome.failed !== undefined) throw new CommandError("NUMERIC", outcome.failed);
  }
  return Exit.done;
}

/** Configs that a job's own options or words name. */
function basesOf<T>(job: Job<T>, line: CommandLine): readonly Base[] {
  // A word may be the value of a flag that is misspelt: what is wrong with the words is told first.
  if (job.runs !== undefined && line.positionals.length > 0)
    return line.mistakes.length > 0 ? [] : job.runs.bases(line.positionals);
  const base = job.base?.(line.options);
  return base === undefined ? [] : [base];
}

function readFile(path: unknown, mistakes: string[]): Base | undefined {
  if (typeof path !== "string") return undefined;
  if (path === "") {
    mistakes.push('--config: expected the path of a file, found ""');
    return undefined;
  }
  try {
    return { path, value: loadConfigFile(path) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    mistakes.push(`--config: ${error.message}`);
    return undefined;
  }
}

/** What the configs ask for and this version does not do, each once. */
function refused<T extends object>(job: Job<T>, cfgs: readonly T[]): string[] {
  const schema = job.schema as unknown as Parameters<typeof refusals>[0];
  return [...new Set(cfgs.flatMap((cfg) => refusals(schema, cfg).map((issue) => issue.message)))];
}

async function work<T extends object>(
  job: Job<T>,
  request: Request<T>,
  options: Options,
  io: Io,
): Promise<Outcome> {
  const reporter = makeReporter(io, {
    quiet: options.get("quiet") === true,
    json: options.get("log-format") === "json",
  });
  const stopForwarding = forwardWarnings(reporter);
  try {
    const schema = job.schema as unknown as Parameters<typeof notices>[0];
    for (const notice of new Set(request.cfgs.flatMap((cfg) => notices(schema, cfg)))) reporter.note(notice);
    const outcome = await interruptible(
      (signal) => job.run(request, { signal, reporter }),
      () => reporter.note("stopping; Ctrl-C again stops at once"),
    );
    reporter.end(true);
    return outcome;
  } catch (error) {
    reporter.end(false);
    if (error instanceof Interrupted) error.message = `${error.message}; ${job.goOn}`;
    throw error;
  } finally {
    await stopForwarding();
  }
}

function print(outcome: Outcome, { json, quiet }: { json: boolean; quiet: boolean }, io: Io): void {
  if (json) io.stdout.write(configJson(outcome.json));
  else if (quiet) io.stdout.write(outcome.paths.map((path) => `${path}\n`).join(""));
  else io.stdout.write(outcome.text);
}
