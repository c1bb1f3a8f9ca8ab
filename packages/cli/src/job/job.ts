import type { Schema } from "@saev/config";
import { file, helpOption, jsonOption, type Option, oneOf, toggle, versionOption } from "../argv/option.js";
import type { CommandDoc } from "../help/command-help.js";
import type { Reporter } from "../progress/reporter.js";

/** What a job is asked to do, everything resolved and valid. */
export interface Request<T> {
  /** One config, or a sweep's. */
  readonly cfgs: readonly T[];
  /** Values of the job's own options by their `path`. */
  readonly options: ReadonlyMap<string, unknown>;
}

/** How a job talks while it runs. */
export interface Session {
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
}

/** What a job says on standard output when it is done, in three forms. */
export interface Outcome {
  /** For people. */
  readonly text: string;
  /** For programs (--json). */
  readonly json: unknown;
  /** What was made, one path a line, for --quiet. */
  readonly paths: readonly string[];
  /** What failed, in a line, where the rest was done: it is said on standard error, and the exit code is 1. */
  readonly failed?: string;
}

/** A config as a file has it, and what names it in messages. */
export interface Base {
  readonly path: string;
  readonly value: Record<string, unknown>;
}

/** A command that a config describes: `activations`, `train`, `visuals` …. */
export interface Job<T> {
  readonly doc: CommandDoc;
  readonly schema: Schema<T>;
  /** Options beside those of every job. */
  readonly options: readonly Option[];
  /** A config that its own options name, in place of `--config`; flags win over it. @throws what `run` may. */
  readonly base?: (options: ReadonlyMap<string, unknown>) => Base | undefined;
  /** Words that may come without a flag: training runs, each of which gives the config of a job of its own. */
  readonly runs?: {
    /** As in a grammar, e.g. "[RUN]…". */
    readonly name: string;
    /** Configs of what the words name; flags win over them. @throws what `run` may. */
    readonly bases: (words: readonly string[]) => readonly Base[];
  };
  /** Makes several configs of one, as `--sweep` does. */
  readonly expand?: (
    cfg: T,
    options: ReadonlyMap<string, unknown>,
  ) => { cfgs: readonly T[]; mistakes: readonly string[] };
  /**
   * What the job would do, from its config, the file system and a model's config: nothing is written but that config into the
   * cache, where it is not here. `train` also measures how fast a few steps are.
   */
  readonly plan: (request: Request<T>) => Promise<Outcome>;
  /** Does it. */
  readonly run: (request: Request<T>, session: Session) => Promise<Outcome>;
  /** What to say after Ctrl-C: what was kept and how to go on. */
  readonly goOn: string;
}

/** Options of every job. */
export const jobOptions: readonly Option[] = [
  file("config", "Read the config from this TOML or JSON file; flags win over it."),
  toggle("print-config", "Print the config that results, as TOML that --config reads, and exit."),
  toggle("dry-run", "Check everything, say what would be done, and exit."),
  jsonOption("Print results, --print-config and --dry-run as JSON."),
  oneOf(
    "log-format",
    ["text", "json"],
    "How progress and messages are written; json writes an object a line, results too.",
  ),
  toggle("quiet", "Show no progress and no notes; print only the paths of what was made.", "-q"),
  helpOption,
  versionOption,
];
