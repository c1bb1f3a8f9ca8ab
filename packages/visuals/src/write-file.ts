import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { SaevError } from "@saev/core";

/**
 * Writes a file so that nobody ever reads half of it: under a temporary name in the same folder, synced, renamed.
 * @throws SaevError `NOT_FOUND` when the folder is not there, else `IO`.
 */
export async function writeFileAtomic(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.tmp.${process.pid}.${randomBytes(3).toString("hex")}`;
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync();
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
