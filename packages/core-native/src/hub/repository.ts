import { SaevError } from "../errors.js";
import { HubCache, isCommit, isInnerPath, type RepoKind, type RepoRevision } from "./cache.js";
import { type DownloadOptions, download } from "./download.js";
import { hubCaches } from "./environment.js";
import { discard, type Http } from "./http.js";
import type { Digest } from "./partial-file.js";
import { HttpProblem, shownName } from "./problems.js";

/** A repository's state on the hub. */
export interface RemoteSnapshot {
  readonly repo: string;
  readonly commit: string;
  /** Paths of all files. */
  readonly files: readonly string[];
}

/** Asks the hub what a revision is and holds. @throws HttpProblem. */
export async function remoteSnapshot(
  http: Http,
  { repo, revision }: RepoRevision,
  signal?: AbortSignal,
  kind: RepoKind = "models",
): Promise<RemoteSnapshot> {
  const { datasetInfo, modelInfo } = await import("@huggingface/hub");
  const what = revision === "main" ? repo : `${repo}@${revision}`;
  const fetch = async (input: string | URL | Request) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const answer = await http.request({ what, url, headers: { accept: "application/json" }, signal });
    return new Response(await text(answer.body));
  };
  const hubUrl = http.endpoint.href.replace(/\/$/, "");
  const ask = { name: repo, revision, hubUrl, fetch: fetch as typeof globalThis.fetch };
  const answer =
    kind === "models"
      ? modelInfo({ ...ask, additionalFields: ["sha", "filePaths"] })
      : // The hub gives a dataset's files too; the library's types do not say so.
        datasetInfo({ ...ask, additionalFields: ["sha", "siblings" as "sha"] }).then(({ sha, ...rest }) => {
          const { siblings = [] } = rest as { siblings?: { rfilename: string }[] };
          return { sha, filePaths: siblings.map(({ rfilename }) => rfilename) };
        });
  const info = await answer.catch((error) => {
    signal?.throwIfAborted();
    if (error instanceof SaevError) throw error;
    throw new SaevError("BAD_FILE", `${what}: ${http.endpoint.host} answers like no hub; check HF_ENDPOINT`, {
      cause: error,
    });
  });
  const commit = String(info.sha);
  if (!isCommit(commit)) {
    throw new SaevError("BAD_FILE", `${what}: ${http.endpoint.host} names no commit; check HF_ENDPOINT`);
  }
  return {
    repo,
    commit,
    files: info.filePaths.filter((name) => typeof name === "string" && isInnerPath(name)),
  };
}

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > 64e6) throw new SaevError("BAD_FILE", "the hub's answer is larger than 64 MB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The path of a file of a commit in one of the caches, or undefined. */
export async function cachedFile(repo: string, commit: string, file: string): Promise<string | undefined> {
  for (const folder of hubCaches()) {
    const found = await new HubCache(folder).find(repo, commit, file);
    if (found) return found;
  }
  return undefined;
}

/** A file of a commit as the hub knows it. */
export interface RemoteFile {
  readonly repo: string;
  readonly commit: string;
  readonly file: string;
  readonly kind: RepoKind;
  readonly url: URL;
  readonly etag: string;
  readonly size: number | undefined;
}

/**
 * The path of a file of a commit, downloaded into the first cache unless it lies in one of them.
 * @throws HttpProblem, SaevError `BAD_FILE` when what comes is not what was promised, `IO` when it cannot be written.
 */
export async function repoFile(
  http: Http,
  repo: string,
  commit: string,
  file: string,
  options: DownloadOptions = {},
): Promise<string> {
  checkInner(repo, file);
  const cached = await cachedFile(repo, commit, file);
  if (cached) return cached;
  const remote = await remoteFile(http, { repo, commit, file, kind: "models" }, options.signal);
  await fetchBlob(http, remote, options);
  return new HubCache(hubCaches()[0]).link(repo, commit, file, remote.etag);
}

function checkInner(repo: string, file: string): void {
  if (isInnerPath(file)) return;
  throw new SaevError("BAD_FILE", `${repo}: expected a path inside the repository, found ${shownName(file)}`);
}

/** Asks for the size and hash of a file. @throws HttpProblem. */
export async function remoteFile(
  http: Http,
  at: Pick<RemoteFile, "repo" | "commit" | "file" | "kind">,
  signal?: AbortSignal,
): Promise<RemoteFile> {
  const { repo, commit, file, kind } = at;
  checkInner(repo, file);
  const what = `${file} of ${repo}`;
  const base = `${http.endpoint.href.replace(/\/$/, "")}/${kind === "datasets" ? "datasets/" : ""}${repo}`;
  const url = new URL(`${base}/resolve/${commit}/${file.split("/").map(encodeURIComponent).join("/")}`);
  const head = await http.request({ what, url, method: "HEAD", stayOnHost: true, signal });
  await discard(head.body);
  const etag = etagOf(head.header("x-linked-etag") ?? head.header("etag"));
  if (etag === undefined) {
    throw new HttpProblem(
      "BAD_FILE",
      `${what}: ${url.host} sends no ETag, so the file cannot be checked; check HF_ENDPOINT`,
      false,
    );
  }
  const direct = head.status < 300;
  const size = sizeOf(head.header("x-linked-size") ?? (direct ? head.header("content-length") : undefined));
  return { ...at, url, etag, size };
}

/** Downloads the bytes of a file into the first cache, unless they are there; without giving them the file's name. */
export function fetchBlob(http: Http, remote: RemoteFile, options: DownloadOptions = {}): Promise<void> {
  const { repo, file, kind, url, etag, size } = remote;
  const cache = new HubCache(hubCaches()[0], kind);
  const target = cache.blob(repo, etag);
  const spec = { url, what: `${file} of ${repo}`, name: file, target, lock: cache.lock(repo, etag), size };
  return download(http, { ...spec, digest: digestOf(etag, size) }, options);
}

/** The ETag as a file name: without quotes and mark of weakness. Undefined when it cannot be one. */
function etagOf(header: string | undefined): string | undefined {
  const etag = header?.replace(/^W\//, "").replaceAll('"', "");
  return etag && /^[\w-]{1,200}$/.test(etag) ? etag : undefined;
}

/** Large files are named by their SHA-256, small ones by git's hash. */
function digestOf(etag: string, size: number | undefined): Digest | undefined {
  if (/^[0-9a-f]{64}$/.test(etag)) return { kind: "sha256", hex: etag };
  return /^[0-9a-f]{40}$/.test(etag) && size !== undefined ? { kind: "git-sha1", hex: etag } : undefined;
}

const sizeOf = (text: string | undefined): number | undefined =>
  text && /^\d+$/.test(text) ? Number(text) : undefined;
