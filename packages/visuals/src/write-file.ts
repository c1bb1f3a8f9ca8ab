import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { SaevError } from "@saev/core";

export interface WriteOptions {
  /**
   * Default true. Without, the file is whole for every reader and after a crash of this program, and a power cut may empty it: for
   * one of many that are synced together before anybody is told of them, see `Staging`.
   */
  readonly sync?: boolean | undefined;
}

/**
 * Writes a file so that nobody ever reads half of it: under a temporary name in the same folder, synced, renamed.
 * @throws SaevError `NOT_FOUND` when the folder is not there, else `IO`.
 */
export async function writeFileAtomic(
  file: string,
  content: string | Uint8Array | readonly Uint8Array[],
  { sync = true }: WriteOptions = {},
): Promise<void> {
  const temporary = `${file}.tmp.${process.pid}.${randomBytes(3).toString("hex")}`;
  try {
    const handle = await open(temporary, "w");
    try {
      if (Array.isArray(content)) await writeParts(handle, content);
      else await handle.writeFile(content as string | Uint8Array);
      if (sync) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asIoError(error, `cannot write ${file}`);
  }
}

/** A failed system call as one line with a code. */
export function asIoError(error: unknown, what: string): SaevError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new SaevError(code === "ENOENT" || code === "ENOTDIR" ? "NOT_FOUND" : "IO", `${what}: ${message}`, {
    cause: error,
  });
}

/** Writes all parts, in as few calls as the system allows. */
async function writeParts(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts.filter((part) => part.length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left);
    while (left.length > 0 && bytesWritten >= left[0]!.length) bytesWritten -= left.shift()!.length;
    if (bytesWritten > 0) left = [left[0]!.subarray(bytesWritten), ...left.slice(1)];
  }
}
