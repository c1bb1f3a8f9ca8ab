import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";

/**
 * Puts everything that was written to the file system of `folder` on disk: once for many files, where syncing each takes longer.
 * @throws SaevError `NOT_FOUND`, `IO`.
 */
export function syncFileSystem(folder: string): Promise<void> {
  return callAsync(undefined, (control) => addon().syncFileSystem(folder, control));
}
