import { mkdir, stat, statfs } from "node:fs/promises";
import { SaevError } from "../errors.js";
import { HubCache } from "./cache.js";
import type { DownloadOptions } from "./download.js";
import { hubCaches } from "./environment.js";
import type { Http } from "./http.js";
import { fetchBlob, type RemoteFile, remoteFile } from "./repository.js";

/** Questions about files, and files, that are under way at a time. */
const questions = 8;
const downloads = 4;

/**
 * Many files of a dataset's commit: in one of the caches, or downloaded into the first. Progress is that of all files
 * together. Names in the snapshot are given when everything is here, from the last file to the first.
 * @returns the snapshot's folder, and how many files came from the hub.
 * @throws SaevError as {@link fetchBlob}; `IO` when there is no room for all of them.
 */
export async function fetchFiles(
  http: Http,
  repo: string,
  commit: string,
  files: readonly string[],
  options: DownloadOptions & { readonly beforeDownload?: (() => Promise<unknown>) | undefined } = {},
): Promise<{ snapshot: string; downloaded: number }> {
  const missingIn = async (cache: HubCache) => {
    const found = await eachOf(files, questions, (file) => cache.find(repo, commit, file));
    return files.filter((_, i) => found[i] === undefined);
  };
  const [first, ...others] = hubCaches().map((folder) => new HubCache(folder, "datasets"));
  const missing = await missingIn(first!);
  for (const cache of missing.length > 0 ? others : []) {
    if ((await missingIn(cache)).length === 0)
      return { snapshot: cache.snapshotFolder(repo, commit), downloaded: 0 };
  }
  const done = { snapshot: first!.snapshotFolder(repo, commit), downloaded: missing.length };
  if (missing.length === 0) return done;

  await options.beforeDownload?.();
  // One that fails ends the others, and is the one that is reported.
  const failed = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal;
  const orFail =
    <T, R>(work: (item: T) => Promise<R>) =>
    async (item: T): Promise<R> => {
      try {
        signal.throwIfAborted();
        return await work(item);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    };
  const remote = await eachOf(
    missing,
    questions,
    orFail((file) => remoteFile(http, { repo, commit, file, kind: "datasets" }, signal)),
  );
  await checkSpace(first!, repo, remote);
  const total = remote.every(({ size }) => size !== undefined)
    ? remote.reduce((sum, { size }) => sum + size!, 0)
    : undefined;
  const label = remote.length === 1 ? remote[0]!.file : `${remote.length} files of ${repo}`;
  const sizes = new Map<string, number>();
  const report = (file: string, bytes: number) => {
    sizes.set(file, bytes);
    options.onProgress?.({ file: label, done: [...sizes.values()].reduce((a, b) => a + b, 0), total });
  };
  await eachOf(
    remote,
    downloads,
    orFail(async (one) => {
      const onProgress = ({ done }: { done: number }) => report(one.file, done);
      await fetchBlob(http, one, { onNote: options.onNote, onProgress, signal });
      report(one.file, one.size ?? sizes.get(one.file) ?? 0);
    }),
  );
  for (const { file, etag } of remote.toReversed()) await first!.link(repo, commit, file, etag);
  return done;
}

async function checkSpace(cache: HubCache, repo: string, files: readonly RemoteFile[]): Promise<void> {
  const blobs = cache.blob(repo, "");
  const there = await eachOf(files, questions, ({ etag }) =>
    stat(cache.blob(repo, etag)).then(
      () => true,
      () => false,
    ),
  );
  const needed = files.reduce((sum, { size = 0 }, i) => sum + (there[i] ? 0 : size), 0);
  // Where no folder can be made, the first download says so.
  const disk = await mkdir(blobs, { recursive: true })
    .then(() => statfs(blobs))
    .catch(() => undefined);
  if (!disk || disk.bavail * disk.bsize >= needed) return;
  throw new SaevError(
    "IO",
    `${repo}: ${needed} bytes are to come and ${blobs} has room for ${disk.bavail * disk.bsize}; make room, or set HF_HOME to a larger disk`,
  );
}

/** `work` on each item, `n` at a time, results in order; all have ended when it ends. */
async function eachOf<T, R>(items: readonly T[], n: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i]!);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(n, items.length) }, worker));
  const problem = workers.find((one) => one.status === "rejected");
  if (problem) throw problem.reason;
  return results;
}
