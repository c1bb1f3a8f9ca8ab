import { callSync } from "../native/call.js";
import { addon } from "../native/load.js";
import { Resource } from "../native/resource.js";

/**
 * A folder that is this process's to write into, until it is disposed or the process ends, however it ends.
 */
export class FolderLock extends Resource<"FolderLock"> {
  /**
   * @param busy the message of the error when another process holds the folder.
   * @throws SaevError `IO` with `busy`; `NOT_FOUND` when there is no such folder.
   */
  static take(folder: string, busy: string): FolderLock {
    return new FolderLock(callSync(() => addon().lockFolder(folder, busy)));
  }
}
