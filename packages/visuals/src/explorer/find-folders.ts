import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { SaevError } from "@saev/core";

/** How deep below a given folder runs and visuals are looked for. */
const depth = 3;

/** Folders of visuals and of training runs. */
export interface FoundFolders {
  readonly views: ReadonlySet<string>;
  readonly runs: ReadonlySet<string>;
}

/**
 * What paths are or hold at most three levels down.
 * @throws SaevError `NOT_FOUND` for a path at which there is neither.
 */
export function findFolders(paths: readonly string[]): FoundFolders {
  const found = { views: new Set<string>(), runs: new Set<string>() };
  for (const given of paths) {
    const before = found.views.size + found.runs.size;
    search(resolveGiven(given), depth, found);
    if (found.views.size + found.runs.size === before) {
      throw new SaevError(
        "NOT_FOUND",
        `${given}: found neither visuals (a folder sort_by_patch, sort_by_img or sort_by_cls with its tables) nor a training run ` +
          "(a folder with config.json and sae.pt or metrics.jsonl); make visuals with saev visuals",
      );
    }
  }
  return found;
}

function resolveGiven(given: string): string {
  const stats = statSync(given, { throwIfNoEntry: false });
  if (!stats) throw new SaevError("NOT_FOUND", `${given}: nothing is there`);
  return path.resolve(stats.isDirectory() ? given : path.dirname(given));
}

/** Puts what `folder` is, or what is below it, into `found`. */
function search(folder: string, levels: number, found: { views: Set<string>; runs: Set<string> }): void {
  const has = (name: string) => existsSync(path.join(folder, name));
  if (has("top_values.pt") && has("top_img_i.pt")) {
    found.views.add(folder);
    return;
  }
  if (has("config.json") && (has("sae.pt") || has("metrics.jsonl"))) found.runs.add(folder);
  if (levels === 0) return;
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "neurons")
    .map((entry) => entry.name)
    .sort();
  for (const name of below) search(path.join(folder, name), levels - 1, found);
}

/** Names each folder by as much of the end of its path as tells it from the others. */
export function titles(folders: readonly string[]): (folder: string) => string {
  return (folder) => {
    const parts = folder.split(path.sep);
    for (let n = 1; n < parts.length; n++) {
      const name = parts.slice(-n).join("/");
      const like = folders.filter((other) => other === folder || other.endsWith(`${path.sep}${name}`));
      if (like.length === 1) return name;
    }
    return folder;
  };
}
