import { mkdir, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { withLock } from "../io/file-lock.js";
import { discard, type Http, type HttpResponse } from "./http.js";
import { type Digest, PartialFile } from "./partial-file.js";
import { HttpProblem, networkProblem, shownUrl } from "./problems.js";

/** How far a download is. Bytes; `total` is absent where the server does not tell. */
export interface DownloadProgress {
  /** The file, as its repository or address names it. */
  readonly file: string;
  readonly done: number;
  readonly total: number | undefined;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Called with things worth saying: a retry and why, waiting for another process. */
  readonly onNote?: ((note: string) => void) | undefined;
}

export interface DownloadSpec {
  readonly url: URL;
  /** For messages, e.g. "open_clip_config.json of org/name". */
  readonly what: string;
  /** For progress. */
  readonly name: string;
  /** Where the file goes. */
  readonly target: string;
  readonly lock: string;
  /** Marks the half file where `target` does not say which bytes are meant, so that no two versions are mixed. */
  readonly version?: string | undefined;
  readonly size: number | undefined;
  readonly digest: Digest | undefined;
}

/** Bytes that count as progress between two cuts: a server that gives less each time will never come to an end. */
const worthwhile = 64 * 1024;

/**
 * Fetches a file, unless it is there. It grows under `target` + ".saev.incomplete", goes on where a cut left it (also one
 * of an earlier process), is checked by size and hash, and only then gets its name. One process at a time.
 * @throws SaevError `NOT_FOUND` and `IO` as {@link HttpProblem} says, `BAD_FILE` when the bytes are not those promised.
 */
export async function download(http: Http, spec: DownloadSpec, options: DownloadOptions = {}): Promise<void> {
  const there = () =>
    stat(spec.target).then(
      (s) => s.isFile(),
      () => false,
    );
  if (await there()) return;
  await mkdir(path.dirname(spec.target), { recursive: true }).catch((error) => {
    throw unwritable(spec, error);
  });
  const onWait = (owner: string) => options.onNote?.(`${spec.what}: ${owner} downloads it too; waiting`);
  await mkdir(path.dirname(spec.lock), { recursive: true }).catch((error) => {
    throw unwritable(spec, error, spec.lock);
  });
  await withLock(
    spec.lock,
    async () => {
      if (!(await there())) await fetchInto(http, spec, options);
    },
    { signal: options.signal, onWait, advice: otherCache },
  );
}

async function fetchInto(http: Http, spec: DownloadSpec, options: DownloadOptions): Promise<void> {
  const { onNote, signal } = options;
  const draft = `${spec.target}${spec.version === undefined ? "" : `.${spec.version}`}.saev.incomplete`;
  const partial = await PartialFile.open(draft, spec.size, spec.digest).catch((error) => {
    throw unwritable(spec, error);
  });
  try {
    await checkSpace(spec, partial.length);
    // Bytes of an earlier process may be what is wrong: then once more, from nothing.
    for (let again = partial.length > 0; ; again = false) {
      await http.retrying((progressed) => fill(http, spec, partial, progressed, options), {
        signal,
        onRetry: onNote,
      });
      const problem = partial.problem();
      if (problem === undefined) break;
      await partial.reset();
      if (!again) {
        await partial.remove();
        throw new SaevError(
          "BAD_FILE",
          `${spec.what}: ${problem}; what came was thrown away: try again, and if it happens again, the server or a proxy on the way changes the file`,
        );
      }
      onNote?.(`${spec.what}: ${problem}; starting from nothing`);
    }
    await partial.finish(spec.target);
  } finally {
    await partial.close();
  }
}

/** One connection's worth. */
async function fill(
  http: Http,
  spec: DownloadSpec,
  partial: PartialFile,
  progressed: () => void,
  { signal, onProgress }: DownloadOptions,
): Promise<void> {
  const { what, url } = spec;
  if (spec.size !== undefined && partial.length === spec.size) return;
  const from = partial.length;
  const response = await http.once({
    what,
    url,
    signal,
    accept: [416],
    ...(from > 0 && { headers: { range: `bytes=${from}-` } }),
  });
  if (response.status === 416 || !startsAt(response, from)) {
    await discard(response.body);
    await partial.reset();
    throw new HttpProblem("IO", `${what}: ${url.host} does not go on at byte ${from}`, true, response.status);
  }
  if (response.status === 200 && from > 0) await partial.reset();
  const total = totalOf(response, partial.length);
  if (spec.size !== undefined && total !== undefined && total !== spec.size) {
    await discard(response.body);
    throw new HttpProblem(
      "BAD_FILE",
      `${what}: expected ${spec.size} bytes, ${shownUrl(response.url)} offers ${total}; try again later, or another HF_ENDPOINT`,
      false,
    );
  }
  let reported = 0;
  const report = () => {
    reported = performance.now();
    onProgress?.({ file: spec.name, done: partial.length, total: spec.size ?? total });
  };
  const start = partial.length;
  report();
  try {
    for await (const chunk of response.body) {
      // A server may send more than it said; nothing of that may fill the disk.
      if (spec.size !== undefined && partial.length + chunk.length > spec.size) {
        throw new HttpProblem(
          "BAD_FILE",
          `${what}: ${url.host} sends more than the ${spec.size} bytes promised`,
          false,
        );
      }
      await partial.append(chunk as Uint8Array).catch((error) => {
        throw unwritable(spec, error);
      });
      if (partial.length - start >= worthwhile) progressed();
      if (performance.now() - reported > 100) report();
    }
    report();
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof SaevError ? error : networkProblem(what, response.url, error);
  }
  const expected = spec.size ?? total;
  if (expected !== undefined && partial.length < expected) {
    throw new HttpProblem(
      "IO",
      `${what}: ${url.host} stopped at ${partial.length} of ${expected} bytes`,
      true,
    );
  }
}

function startsAt(response: HttpResponse, from: number): boolean {
  if (response.status !== 206) return true;
  return response.header("content-range")?.startsWith(`bytes ${from}-`) ?? false;
}

function totalOf(response: HttpResponse, from: number): number | undefined {
  const range = /\/(\d+)$/.exec(response.header("content-range") ?? "");
  if (response.status === 206 && range) return Number(range[1]);
  const length = response.header("content-length");
  return length === undefined ? undefined : from + Number(length);
}

async function checkSpace(spec: DownloadSpec, have: number): Promise<void> {
  if (spec.size === undefined) return;
  const { bavail, bsize } = await statfs(path.dirname(spec.target));
  const free = bavail * bsize;
  if (free >= spec.size - have) return;
  throw new SaevError(
    "IO",
    `${spec.what}: ${spec.size - have} bytes are to come and ${path.dirname(spec.target)} has room for ${free}; make room, or set HF_HOME (TORCH_HOME for torch.hub) to a larger disk`,
  );
}

const otherCache = "set HF_HOME (TORCH_HOME for torch.hub) to a folder that you may write to";

function unwritable(spec: DownloadSpec, error: unknown, file = spec.target): SaevError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new SaevError(
    "IO",
    `${spec.what}: cannot write into ${path.dirname(file)} (${code ?? message}); make room there, or ${otherCache}`,
    { cause: error },
  );
}
