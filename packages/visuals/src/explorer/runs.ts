import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import path from "node:path";
import { SaevError } from "@saev/core";
import type { Metrics, Run, RunSummary } from "./api.js";

type Table = Readonly<Record<string, unknown>>;

/** A training run's folder, read anew each time: it may be in the making. */
export class OpenRun {
  /** As far as `metrics.jsonl` was looked through for {@link read}, and what its last lines were. */
  #seen: { readonly next: number; readonly last: Last } = { next: 0, last: {} };

  constructor(
    readonly id: string,
    readonly title: string,
    readonly folder: string,
  ) {}

  get checkpoint(): string {
    return path.join(this.folder, "sae.pt");
  }

  summary(): RunSummary {
    return { id: this.id, title: this.title };
  }

  /** @param views ids of the views of its SAE. @throws SaevError `BAD_FILE`. */
  read(views: readonly string[]): Run {
    return {
      ...this.summary(),
      config: this.#config(),
      evaluation: readJson(path.join(this.folder, "evaluation.json")),
      last: this.#last(),
      views,
    };
  }

  /** run.json has what config.json, which the Python package reads too, leaves out: the kinds of SAE and objective, among others. */
  #config(): Table | null {
    const config = readJson(path.join(this.folder, "run.json"))?.config;
    return config ? (config as Table) : readJson(path.join(this.folder, "config.json"));
  }

  /** The page asks every few seconds: only what was written since is read. */
  #last(): Table | null {
    let found = this.metricsFrom(this.#seen.next);
    // The file was cut: from its beginning.
    const cut = found.next < this.#seen.next;
    if (cut) found = this.metricsFrom(0);
    const last = lastOf(found.metrics, cut ? {} : this.#seen.last);
    this.#seen = { next: found.next, last };
    const { step, evaluation } = last;
    return step || evaluation ? { ...evaluation, ...step } : null;
  }

  /**
   * The lines of metrics.jsonl from byte `start` on, as far as they are whole: a run that is being written ends in half a
   * line. @returns where the next line begins; 0 where the file was cut since, as a resumed run does.
   */
  metricsFrom(start: number): { readonly metrics: Metrics; readonly next: number } {
    const file = path.join(this.folder, "metrics.jsonl");
    if (!existsSync(file)) return { metrics: [], next: 0 };
    const fd = openSync(file, "r");
    try {
      const { size } = fstatSync(fd);
      if (size < start) return { metrics: [], next: 0 };
      const bytes = Buffer.alloc(size - start);
      const text = bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, start));
      const whole = text.slice(0, text.lastIndexOf("\n") + 1);
      return { metrics: whole.split("\n").flatMap(entryOf), next: start + Buffer.byteLength(whole) };
    } finally {
      closeSync(fd);
    }
  }
}

/** The last figures of a step, and those of the last evaluation on what is not trained on, which has lines of its own. */
interface Last {
  readonly step?: Table | undefined;
  readonly evaluation?: Table | undefined;
}

function lastOf(metrics: Metrics, before: Last): Last {
  const validated = (entry: Table) => "val_mse" in entry;
  return {
    step: metrics.findLast((entry) => !validated(entry)) ?? before.step,
    evaluation: metrics.findLast(validated) ?? before.evaluation,
  };
}

function entryOf(line: string): Table[] {
  try {
    const entry = JSON.parse(line || "null") as Table | null;
    return typeof entry?.step === "number" ? [entry] : [];
  } catch {
    return [];
  }
}

/** null where the file is not there. */
function readJson(file: string): Table | null {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Table;
  } catch (cause) {
    throw new SaevError("BAD_FILE", `${file}: ${(cause as Error).message}`, { cause });
  }
}
