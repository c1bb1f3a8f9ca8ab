import { realpath } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";

/**
 * Where a path that stands in somebody's file leads, from `base`; absolute paths count as they are.
 * @throws SaevError `BAD_FILE` when that is outside `base`, by `..`, as an absolute path, or through a link.
 */
export async function insideOf(base: string, name: string, what: string): Promise<string> {
  const file = path.resolve(base, name);
  const outside = () =>
    new SaevError("BAD_FILE", `${what}: the path ${JSON.stringify(name)} leads out of ${base}`);
  if (name.includes("\0") || !within(path.resolve(base), file)) throw outside();
  const [realBase, realFile] = await Promise.all([base, file].map((p) => realpath(p).catch(() => undefined)));
  // In the hub's cache, the files of a snapshot are links to the blobs of their repository.
  const blobs = /^(.*[\\/](?:datasets|models)--[^\\/]+)[\\/]snapshots[\\/][0-9a-f]{40}(?:[\\/]|$)/.exec(
    path.resolve(base),
  )?.[1];
  const realBlobs =
    blobs === undefined ? undefined : await realpath(path.join(blobs, "blobs")).catch(() => undefined);
  if (realBlobs !== undefined && realFile !== undefined && within(realBlobs, realFile)) return file;
  // A file that is not there fails when it is opened, with a message of its own.
  if (realBase !== undefined && realFile !== undefined && !within(realBase, realFile)) throw outside();
  return file;
}

/** Whether `file` lies below `folder`; both absolute. */
export function within(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
