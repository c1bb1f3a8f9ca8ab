import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { SaevError } from "@saev/core";
import type { Run, RunSummary } from "./api.js";

type Table = Readonly<Record<string, unknown>>;

/** A training run's folder, read anew each time: it may be in the making. */
export class OpenRun {
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

  /** @throws SaevError `BAD_FILE`, `NOT_FOUND`. */
  read(): Run {
    const evaluation = path.join(this.folder, "evaluation.json");
    return {
      ...this.summary(),
      config: readJson(path.join(this.folder, "config.json")),
      ...(existsSync(evaluation) && { evaluation: readJson(evaluation) as Table }),
      metrics: this.metrics(),
    };
  }

  /** The whole lines of metrics.jsonl: a run that is being written ends in half a line. */
  metrics(): readonly Table[] {
    const file = path.join(this.folder, "metrics.jsonl");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => {
        try {
          return line === "" ? [] : [JSON.parse(line) as Table];
        } catch {
          return [];
        }
      });
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new SaevError(missing ? "NOT_FOUND" : "BAD_FILE", `${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
