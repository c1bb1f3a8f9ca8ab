import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { isCommit, isInnerPath } from "../hub/cache.js";
import { hubCaches } from "../hub/environment.js";

/**
 * The folder of a dataset of the hub in the caches that Python's tools fill: `org/name`, or `org/name@revision`.
 * @throws SaevError `INVALID_ARGUMENT` for what is no such name, `NOT_FOUND` when it is in no cache.
 */
export async function cachedDataset(name: string): Promise<string> {
  const [, repo = "", revision = "main"] = /^([^@]*)(?:@(.*))?$/.exec(name) ?? [];
  if (
    !/^[\w.-]+(\/[\w.-]+)?$/.test(repo) ||
    /--|\.\./.test(repo) ||
    !isInnerPath(repo) ||
    !isInnerPath(revision)
  ) {
    throw new SaevError(
      "NOT_FOUND",
      `expected a folder of parquet files or a dataset of the hub such as ILSVRC/imagenet-1k, found ${JSON.stringify(name)}`,
    );
  }
  for (const cache of hubCaches()) {
    const folder = path.join(cache, `datasets--${repo.replaceAll("/", "--")}`);
    const commit = isCommit(revision)
      ? revision
      : await readFile(path.join(folder, "refs", revision), "utf8").then(
          (text) => text.trim(),
          () => "",
        );
    const snapshot = path.join(folder, "snapshots", commit);
    const there = await stat(snapshot).catch(() => undefined);
    if (isCommit(commit) && there?.isDirectory()) return snapshot;
  }
  throw new SaevError(
    "NOT_FOUND",
    `the dataset ${name} is not in the hub's cache (${hubCaches()[0]}), and saev downloads no datasets; fetch it with ` +
      `"hf download --repo-type dataset ${repo}", or give a folder of its parquet files`,
  );
}
