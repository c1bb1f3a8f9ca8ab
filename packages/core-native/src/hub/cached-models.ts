import { readdir, realpath, stat } from "node:fs/promises";
import { HubCache } from "./cache.js";
import { hubCaches } from "./environment.js";
import { type Layout, layoutFiles } from "./layouts.js";
import type { ResolvedModel } from "./resolved-model.js";

/** Weights on this machine: the first of their files, and how large they are together. */
export interface OnDisk {
  readonly path: string;
  readonly bytes: number;
}

/** @param files at least one. */
export async function sizeOnDisk(files: readonly string[]): Promise<OnDisk> {
  let bytes = 0;
  for (const file of files) bytes += (await stat(await realpath(file))).size;
  return { path: files[0]!, bytes };
}

/**
 * A repository's main branch in one of the hub's caches, in this layout.
 * @returns undefined unless all files are there: of weights in several, the index and every part.
 */
export async function cachedModel(
  repo: string,
  layout: Layout,
): Promise<(OnDisk & Pick<ResolvedModel, "config">) | undefined> {
  for (const folder of hubCaches()) {
    const cache = new HubCache(folder);
    const commit = await cache.commitOf({ repo, revision: "main" });
    if (commit === undefined) continue;
    // A damaged index is no model; whoever names it is told.
    const found = await layoutFiles(layout, (file) => cache.find(repo, commit, file)).catch(() => undefined);
    if (found) return { ...(await sizeOnDisk(found.weights)), config: found.config };
  }
  return undefined;
}

/** Names of the model repositories in the hub's caches, each once. */
export async function cachedRepos(): Promise<readonly string[]> {
  const repos = new Set<string>();
  for (const folder of hubCaches()) {
    for (const entry of (await readdir(folder).catch(() => [])).sort()) {
      // The hub forbids "--" in names, so this is the one way back.
      const repo = /^models--(.+)$/.exec(entry)?.[1]?.replaceAll("--", "/");
      if (repo !== undefined) repos.add(repo);
    }
  }
  return [...repos];
}
