import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { HubCache } from "./cache.js";
import type { DatasetReference } from "./dataset-reference.js";
import type { DownloadOptions } from "./download.js";
import { hubCaches } from "./environment.js";
import { fetchFiles } from "./fetch-files.js";
import type { Http } from "./http.js";
import { type OnlineOptions, online } from "./online.js";
import { HttpProblem, isUnreachable } from "./problems.js";
import { remoteSnapshot } from "./repository.js";

export interface DatasetOptions extends DownloadOptions, OnlineOptions {
  /** Why nothing may be downloaded, where that is so: "a dry run downloads none". */
  readonly onlyCached?: string | undefined;
  /** Called before the first byte of a file is asked for: to check first what a large download would be for. */
  readonly beforeDownload?: (() => Promise<unknown>) | undefined;
  /** @internal What fetches this, for messages; default: `saev download --dataset` with the name. */
  readonly command?: string | undefined;
}

/** Files of a dataset of the hub that are all here. */
export interface DatasetFiles {
  /** The snapshot in the cache, or the folder in it that was asked for. */
  readonly root: string;
  /** Paths, in the order chosen. */
  readonly files: readonly string[];
  readonly commit: string;
  /** How many of the files were downloaded by this call. */
  readonly downloaded: number;
}

/**
 * Which files are wanted, of names relative to the root.
 * @throws SaevError `NOT_FOUND` when they are not among them, saying what is.
 */
export type ChooseFiles = (names: readonly string[], root: string) => readonly string[];

/**
 * Files of a dataset of the hub, downloaded into the first cache unless they are in one. They get their names in the
 * snapshot when all are whole, the first file last: what was cut is never taken for a smaller dataset.
 * @param revisions branches to look in, the first that holds what `choose` wants counts; for references without one.
 * @throws SaevError `NOT_FOUND` for datasets, revisions and files that are not there, and offline for those not here;
 *   `IO` and `BAD_FILE` as {@link download} says.
 */
export function datasetFiles(
  reference: DatasetReference,
  revisions: readonly [string, ...string[]],
  choose: ChooseFiles,
  options: DatasetOptions = {},
): Promise<DatasetFiles> {
  const among = reference.revision === undefined ? revisions : [reference.revision];
  const offline = options.onlyCached === undefined ? options.offline : true;
  return online({ ...options, offline }, async (http) => {
    if (http) return fromHub(http, reference, among, choose, options);
    const { cached, problem } = await fromCaches(reference, among, choose);
    if (cached) return cached;
    const { text } = reference;
    const missing =
      problem?.message ?? `the dataset ${text} is not in the hub's caches (${hubCaches().join(", ")})`;
    const why = options.onlyCached ?? "the network is off (HF_HUB_OFFLINE)";
    const command = options.command ?? `saev download --dataset ${text}`;
    throw new SaevError("NOT_FOUND", `${missing}; ${why}: fetch it once with ${command}`);
  });
}

async function fromHub(
  http: Http,
  reference: DatasetReference,
  revisions: readonly string[],
  choose: ChooseFiles,
  options: DatasetOptions,
): Promise<DatasetFiles> {
  const { repo } = reference;
  let problem: unknown;
  for (const revision of revisions) {
    let remote: Awaited<ReturnType<typeof remoteSnapshot>>;
    try {
      remote = await remoteSnapshot(http, { repo, revision }, options.signal, "datasets");
    } catch (error) {
      options.signal?.throwIfAborted();
      const { cached } = isUnreachable(error) ? await fromCaches(reference, revisions, choose) : {};
      if (cached) {
        options.onNote?.(`${(error as Error).message}; using the cached copy of ${repo}`);
        return cached;
      }
      // Not every dataset has the later branches: then what was wrong with the first is to be said.
      throw problem !== undefined && error instanceof HttpProblem && error.code === "NOT_FOUND"
        ? problem
        : error;
    }
    const inside = below(reference.path, remote.files);
    let wanted: readonly string[];
    try {
      wanted = choose(inside, revision === "main" ? reference.text : `${repo}@${revision}`);
    } catch (error) {
      if (!(error instanceof SaevError) || error.code !== "NOT_FOUND") throw error;
      problem = error;
      continue;
    }
    const names = wanted.map((name) => path.posix.join(reference.path, name));
    const { snapshot, downloaded } = await fetchFiles(http, repo, remote.commit, names, options);
    const cache = new HubCache(path.resolve(snapshot, "../../.."), "datasets");
    // Only now: offline, the branch then means a commit of which everything is here.
    await cache.setRef({ repo, revision }, remote.commit).catch((error) => {
      options.onNote?.((error as Error).message);
    });
    const files = names.map((name) => path.join(snapshot, name));
    return { root: path.join(snapshot, reference.path), files, commit: remote.commit, downloaded };
  }
  throw problem;
}

async function fromCaches(
  reference: DatasetReference,
  revisions: readonly string[],
  choose: ChooseFiles,
): Promise<{ cached?: DatasetFiles; problem?: SaevError }> {
  const { repo } = reference;
  let problem: SaevError | undefined;
  for (const revision of revisions) {
    for (const folder of hubCaches()) {
      const cache = new HubCache(folder, "datasets");
      const commit = await cache.commitOf({ repo, revision });
      if (commit === undefined) continue;
      const root = path.join(cache.snapshotFolder(repo, commit), reference.path);
      const entries = await readdir(root, { recursive: true }).catch(() => []);
      try {
        const names = choose(
          entries.map((name) => name.split(path.sep).join("/")),
          root,
        );
        const files = names.map((name) => path.join(root, name));
        // A link may lead to a blob that is gone.
        const there = await Promise.all(
          files.map((file) =>
            stat(file).then(
              () => true,
              () => false,
            ),
          ),
        );
        if (there.every(Boolean)) return { cached: { root, files, commit, downloaded: 0 } };
      } catch (error) {
        if (!(error instanceof SaevError) || error.code !== "NOT_FOUND") throw error;
        if (entries.length > 0) problem ??= error;
      }
    }
  }
  return problem === undefined ? {} : { problem };
}

/** The names below a folder, seen from there. */
const below = (folder: string, names: readonly string[]): string[] =>
  folder === ""
    ? [...names]
    : names.filter((name) => name.startsWith(`${folder}/`)).map((name) => name.slice(folder.length + 1));
