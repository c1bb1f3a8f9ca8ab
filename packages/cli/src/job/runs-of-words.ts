import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { dataLoadDefaults } from "@saev/config";
import { CommandError } from "../errors.js";
import type { Base } from "./job.js";

/** What a job on a trained SAE may take instead of flags. */
export const runWords = {
  name: "[RUN]…",
  bases: (words: readonly string[]): Base[] => words.flatMap(basesOf),
};

/**
 * Training runs that a word names: a run's folder, its sae.pt, or a folder of runs. Each gives its SAE and the data that
 * it was trained on, scaled as it was.
 * @throws CommandError `NOT_FOUND`, `BAD_FILE`.
 */
function basesOf(word: string): Base[] {
  if (!existsSync(word))
    throw new CommandError("NOT_FOUND", `${word}: no such file or folder; expected a training run`);
  if (!statSync(word).isDirectory()) {
    if (existsSync(path.join(path.dirname(word), "run.json"))) return [runOf(path.dirname(word))];
    throw new CommandError(
      "INVALID_ARGUMENT",
      `${word}: lies in no training run (a folder with run.json), so it does not say which data it is for; give it with --ckpt, and the data with --data.shard-root, --data.layer …`,
    );
  }
  if (existsSync(path.join(word, "run.json"))) return [runOf(word)];
  const inside = readdirSync(word)
    .sort()
    .map((name) => path.join(word, name))
    .filter((dir) => existsSync(path.join(dir, "run.json")) && existsSync(path.join(dir, "sae.pt")));
  if (inside.length > 0) return inside.map(runOf);
  throw new CommandError(
    "NOT_FOUND",
    `${word}: expected a training run (a folder with run.json and sae.pt), or a folder of finished runs, found neither; an SAE without a run is given with --ckpt`,
  );
}

function runOf(dir: string): Base {
  const file = path.join(dir, "run.json");
  const ckpt = path.join(dir, "sae.pt");
  if (!existsSync(ckpt)) {
    throw new CommandError(
      "NOT_FOUND",
      `${dir}: this run has no sae.pt yet; it is written when training ends: saev train --resume ${dir} goes on`,
    );
  }
  let data: unknown;
  try {
    data = (JSON.parse(readFileSync(file, "utf8")) as { config?: { data?: unknown } }).config?.data;
  } catch (error) {
    throw new CommandError("BAD_FILE", `${file}: expected JSON: ${(error as Error).message}`);
  }
  if (typeof data !== "object" || data === null)
    throw new CommandError("BAD_FILE", `${file}: expected the config of a run with its data, found none`);
  if ((data as { live?: unknown }).live === true) {
    throw new CommandError(
      "UNSUPPORTED",
      `${dir}: this run was trained straight from images; record them with saev activations, and give --ckpt ${ckpt} and their folder as --data.shard-root`,
    );
  }
  // A run's data has fields about live images too, which say nothing about recorded ones.
  const recorded = Object.fromEntries(
    Object.entries(data).filter(([name]) => Object.hasOwn(dataLoadDefaults, name)),
  );
  return { path: dir, value: { ckpt, data: recorded } };
}
