import { makeFolder, SaevError } from "@saev/core";
import { findFolders, titles } from "../explorer/find-folders.js";
import { OpenRun } from "../explorer/runs.js";
import { writePlot } from "../write-plot.js";
import { paretoPlot, trainingPlot } from "./run-plots.js";

/**
 * Writes `training.{svg,png}` and `pareto.{svg,png}` of training runs into `out`: the former of runs with metrics.jsonl,
 * the latter of runs with figures of sparsity and error.
 * @param paths run folders, or folders that hold some at most three levels down.
 * @returns the files, in order.
 * @throws SaevError `NOT_FOUND` where there are no runs, or where they have nothing to draw yet; `BAD_FILE`, `IO`.
 */
export async function writeRunPlots(paths: readonly string[], out: string): Promise<readonly string[]> {
  const folders = [...findFolders(paths).runs];
  if (folders.length === 0) {
    throw new SaevError(
      "NOT_FOUND",
      `${paths.join(", ")}: found visuals and no training run (a folder with config.json and sae.pt or metrics.jsonl); ` +
        "visuals have their plots in plots/",
    );
  }
  const title = titles(folders);
  const open = folders.map((folder, i) => new OpenRun(`r${i}`, title(folder), folder));
  const byId = new Map(open.map((run) => [run.id, run]));
  const runs = open.map((run) => run.read([]));
  const plots = {
    training: trainingPlot(runs, ({ id }) => byId.get(id)!.metricsFrom(0).metrics),
    pareto: paretoPlot(runs),
  };
  const drawn = Object.entries(plots).flatMap(([name, svg]) => (svg === undefined ? [] : [{ name, svg }]));
  if (drawn.length === 0) {
    throw new SaevError(
      "NOT_FOUND",
      `${paths.join(", ")}: no run has metrics.jsonl or evaluation.json yet; the first figures come after log_every steps`,
    );
  }
  makeFolder(out);
  const files: string[] = [];
  for (const { name, svg } of drawn) files.push(...(await writePlot(out, name, svg)));
  return files;
}
