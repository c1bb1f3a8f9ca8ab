import { isInnerPath } from "./cache.js";

/** A dataset of the hub, or a part of one. */
export interface DatasetReference {
  /** "org/name", of old ones "name". */
  readonly repo: string;
  /** Undefined for the default branch. */
  readonly revision: string | undefined;
  /** A folder in it, or a pattern of files; empty for all of it. */
  readonly path: string;
  /** As it was written. */
  readonly text: string;
}

/**
 * Reads `org/name`, `org/name@revision`, `org/name/folder`, each also after `hf:` or as an address of Python's fsspec,
 * `hf://datasets/org/name@revision/path`.
 * @param isMarked takes only what begins with "hf:", for options that are usually paths.
 * @returns undefined for what names no dataset.
 */
export function parseDatasetReference(text: string, isMarked = false): DatasetReference | undefined {
  const marked = /^hf:(?:\/\/datasets\/)?(.*)$/s.exec(text.trim());
  if (isMarked && !marked) return undefined;
  const found = /^([\w.-]+(?:\/[\w.-]+)?)(?:@(refs\/(?:convert|pr)\/[\w-]+|[\w.+-]+))?(?:\/(.*))?$/s.exec(
    marked?.[1] ?? text.trim(),
  );
  const [, repo = "", revision, path = ""] = found ?? [];
  // The hub's own rules; a repository's folder in the cache is named after it, so nothing else may get through.
  const isName = repo !== "" && !/--|\.\./.test(repo) && isInnerPath(repo);
  const folder = path.replace(/\/+$/, "");
  if (!isName || (path !== "" && !isInnerPath(folder))) return undefined;
  return { repo, revision, path: folder, text: text.trim() };
}
