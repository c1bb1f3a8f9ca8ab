import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { configToml } from "../job/print-config.js";
import { figure } from "../text.js";
import type { Info } from "./info.js";
import { saeInfo } from "./sae.js";
import { readJson } from "./shard-folder.js";

type Table = Readonly<Record<string, unknown>>;

/** A training run: its config, what its metrics ended with, its SAE. */
export async function trainingRunInfo(folder: string): Promise<Info> {
  const at = (name: string): string => path.join(folder, name);
  const config = existsSync(at("config.json")) ? (readJson(at("config.json")) as Table) : undefined;
  const metrics = existsSync(at("metrics.jsonl")) ? lastMetrics(at("metrics.jsonl")) : undefined;
  const evaluation = existsSync(at("evaluation.json"))
    ? (readJson(at("evaluation.json")) as Table)
    : undefined;
  const sae = existsSync(at("sae.pt")) ? await saeInfo(at("sae.pt")) : undefined;
  return {
    title: sae === undefined ? "training run without an SAE yet" : "training run",
    lines: [
      ...(sae?.lines.filter(([name]) => ["kind", "d_vit", "d_sae", "size"].includes(name)) ?? []),
      ...(metrics === undefined
        ? []
        : ([["metrics", `${metrics.entries} entries; the last one:`], ...numbers(metrics.last)] as const)),
      ...(evaluation === undefined
        ? []
        : ([["evaluation", `on ${evaluatedOn(config)}:`], ...numbers(evaluation)] as const)),
    ],
    ...(config === undefined ? {} : { below: configToml(config) }),
    json: {
      kind: "run",
      path: folder,
      config: config ?? null,
      metrics: metrics ?? null,
      evaluation: evaluation ?? null,
      sae: sae?.json ?? null,
    },
    problems: [
      ...(config === undefined ? ["config.json is missing"] : []),
      ...(sae === undefined
        ? ["sae.pt is missing: the run has not ended, or was stopped"]
        : (sae.problems ?? [])),
    ],
  };
}

/** What a run was evaluated on, by its config. */
function evaluatedOn(config: Table | undefined): string {
  const { val_fraction, val_data } = config ?? {};
  const setAside = typeof val_fraction === "number" && val_fraction > 0;
  const apart = ((val_data ?? {}) as { shard_root?: unknown }).shard_root;
  return setAside || apart ? "activations that were not trained on" : "all activations";
}

/** The numbers of a table as lines below a heading. */
const numbers = (table: Table | null): (readonly [string, string])[] =>
  Object.entries(table ?? {})
    .filter((entry): entry is [string, number] => typeof entry[1] === "number")
    .map(([name, value]) => [`  ${name}`, figure(value)]);

/** How many entries, and the last whole one: a run that is being written ends in half a line. */
function lastMetrics(file: string): { entries: number; last: Table | null } {
  const entries = readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return line === "" ? [] : [JSON.parse(line) as Table];
      } catch {
        return [];
      }
    });
  // An evaluation in the course of training has a line of its own.
  const validated = (entry: Table) => "val_mse" in entry;
  const last = { ...entries.findLast(validated), ...entries.findLast((entry) => !validated(entry)) };
  return { entries: entries.length, last: entries.length === 0 ? null : last };
}
