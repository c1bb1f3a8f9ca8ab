import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { SaevError } from "@saev/core";
import { asIoError } from "../write-file.js";

/** How deep below a given folder runs and visuals are looked for. */
const depth = 3;

/** Folders of visuals and of training runs, each once, as it was first come by. */
export interface FoundFolders {
  readonly views: ReadonlySet<string>;
  readonly runs: ReadonlySet<string>;
}

/** By where links to them lead. */
interface Found {
  readonly views: Map<string, string>;
  readonly runs: Map<string, string>;
}

/**
 * What paths are or hold at most three levels down.
 * @throws SaevError `NOT_FOUND` for a path at which there is neither; `IO` for one that cannot be opened.
 */
export function findFolders(paths: readonly string[]): FoundFolders {
  const found: Found = { views: new Map(), runs: new Map() };
  for (const given of paths) {
    const here: Found = { views: new Map(), runs: new Map() };
    search(resolveGiven(given), depth, here);
    if (here.views.size + here.runs.size === 0) {
      throw new SaevError(
        "NOT_FOUND",
        `${given}: found neither visuals (a folder sort_by_patch, sort_by_img or sort_by_cls with its tables) nor a training run ` +
          "(a folder with config.json and sae.pt or metrics.jsonl); make visuals with saev visuals",
      );
    }
    for (const kind of ["views", "runs"] as const) {
      for (const [real, folder] of here[kind]) if (!found[kind].has(real)) found[kind].set(real, folder);
    }
  }
  return { views: new Set(found.views.values()), runs: new Set(found.runs.values()) };
}

function resolveGiven(given: string): string {
  try {
    const stats = statSync(given, { throwIfNoEntry: false });
    if (!stats) throw new SaevError("NOT_FOUND", `${given}: nothing is there`);
    return path.resolve(stats.isDirectory() ? given : path.dirname(given));
  } catch (error) {
    throw error instanceof SaevError ? error : asIoError(error, `cannot open ${given}`);
  }
}

/**
 * Puts what `folder` is, or what is below it, into `found`. Folders further down that may not be read are passed over.
 * @throws SaevError `IO` where a given folder itself may not be read.
 */
function search(folder: string, levels: number, found: Found): void {
  const has = (name: string) => existsSync(path.join(folder, name));
  if (has("top_values.pt") && has("top_img_i.pt")) {
    found.views.set(realpathSync(folder), folder);
    return;
  }
  if (has("config.json") && (has("sae.pt") || has("metrics.jsonl")))
    found.runs.set(realpathSync(folder), folder);
  if (levels === 0) return;
  for (const name of foldersIn(folder, levels === depth)) search(path.join(folder, name), levels - 1, found);
}

function foldersIn(folder: string, given: boolean): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "neurons")
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (!given) return [];
    throw asIoError(error, `cannot list ${folder}`);
  }
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
