import { readFile } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { HubCache } from "./cache.js";
import { hubCaches } from "./environment.js";
import { online } from "./online.js";
import { isUnreachable } from "./problems.js";
import { parseModelReference } from "./references.js";
import { cachedFile, remoteSnapshot, repoFile } from "./repository.js";
import type { ResolveOptions } from "./resolve.js";

/** The two files of a tokeniser in the layout of transformers; the second may be missing. */
export const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json"] as const;

export interface TokenizerFiles {
  readonly json: object;
  readonly config: object;
  /** The path of `tokenizer.json`. */
  readonly from: string;
}

/**
 * A tokeniser's files: from `folder` if it holds them, else from a repository, through the caches of Python's tools.
 * @param repo as `text_cfg.hf_tokenizer_name` has it.
 * @throws SaevError `NOT_FOUND` where there are none, also offline; `BAD_FILE`; as downloads do.
 */
export async function findTokenizer(
  folder: string,
  repo: string,
  options: ResolveOptions = {},
): Promise<TokenizerFiles> {
  const local = await read(async (name) => path.join(folder, name));
  if (local) return local;
  const reference = parseModelReference(`hf-hub:${repo}`);
  const at = { repo: reference.kind === "hub" ? reference.repo : repo, revision: "main" };
  const found = await online(options, async (http) => {
    if (!http) return fromCaches(at.repo);
    let remote: Awaited<ReturnType<typeof remoteSnapshot>>;
    try {
      remote = await remoteSnapshot(http, at, options.signal);
    } catch (error) {
      options.signal?.throwIfAborted();
      const cached = isUnreachable(error) ? await fromCaches(at.repo) : undefined;
      if (!cached) throw error;
      options.onNote?.(`${(error as Error).message}; using the cached copy of ${at.repo}`);
      return cached;
    }
    const { commit, files } = remote;
    const get = async (name: string) =>
      files.includes(name) ? repoFile(http, at.repo, commit, name, options) : undefined;
    const fetched = await read(get);
    if (fetched) {
      // Offline, the branch then means a commit of which both files are here. A cache that others keep may be closed to us.
      await new HubCache(hubCaches()[0]).setRef(at, commit).catch((error) => options.onNote?.(error.message));
    }
    return fetched;
  });
  if (found) return found;
  throw new SaevError(
    "NOT_FOUND",
    `the tokeniser of this model, ${tokenizerFiles[0]}, is neither in ${folder} nor in the repository ${at.repo} ` +
      "or its cached copy; put it beside the weights, or load the model once with the network on",
  );
}

async function fromCaches(repo: string): Promise<TokenizerFiles | undefined> {
  for (const folder of hubCaches()) {
    const commit = await new HubCache(folder).commitOf({ repo, revision: "main" });
    const found = commit && (await read((name) => cachedFile(repo, commit, name)));
    if (found) return found;
  }
  return undefined;
}

async function read(get: (name: string) => Promise<string | undefined>): Promise<TokenizerFiles | undefined> {
  const [main, config] = tokenizerFiles;
  const from = await get(main);
  const json = from === undefined ? undefined : await jsonOf(from);
  if (from === undefined || json === undefined) return undefined;
  const beside = await get(config);
  return { json, config: (beside === undefined ? undefined : await jsonOf(beside)) ?? {}, from };
}

/** A JSON object of a file; undefined when there is no file. */
async function jsonOf(file: string): Promise<object | undefined> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw new SaevError("IO", `${file}: cannot be read (${error.code})`, { cause: error });
  });
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SaevError("BAD_FILE", `${file}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new SaevError("BAD_FILE", `${file}: expected a JSON object`);
}
