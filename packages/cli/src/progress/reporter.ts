import { styleOf } from "../help/style.js";
import type { Io } from "../io.js";
import { hasColour } from "../io.js";
import { Bar } from "./bar.js";
import { JsonLines } from "./json-lines.js";
import { Lines } from "./lines.js";

/** How far a step of a job has come. */
export interface Progress {
  /** What is being done, e.g. "recording". Another label begins another step. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, in the plural: "images". */
  readonly unit: string;
  /** Figures beside it, e.g. the loss. */
  readonly values?: Readonly<Record<string, number>>;
}

/** Where a job says how it goes. Everything is written to standard error. */
export interface Reporter {
  progress(progress: Progress): void;
  /** Says something that is good to know; not with --quiet. */
  note(text: string): void;
  /** Says something that may be wrong; with --quiet too. */
  warn(text: string): void;
  /** Ends the step that is going on, if any; `finished` says whether it came to its end. */
  end(finished: boolean): void;
}

export interface ReporterOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
  /** Seconds; default: the process's clock. */
  readonly now?: () => number;
}

/** A bar on a terminal, plain lines elsewhere, JSON lines or silence when asked for. */
export function makeReporter(io: Io, options: ReporterOptions = {}): Reporter {
  const { quiet = false, json = false, now = () => performance.now() / 1000 } = options;
  if (json) return new JsonLines(io.stderr, now, quiet);
  if (quiet) return new Quiet(io);
  const terminal = io.stderr.isTTY === true && io.env.TERM !== "dumb";
  return terminal ? new Bar(io, now, styleOf(hasColour(io.stderr, io.env))) : new Lines(io.stderr, now);
}

/** Only warnings. */
class Quiet implements Reporter {
  constructor(private readonly io: Io) {}
  progress(): void {}
  note(): void {}
  warn(text: string): void {
    this.io.stderr.write(`warning: ${text}\n`);
  }
  end(): void {}
}
