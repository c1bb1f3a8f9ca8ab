import { open } from "node:fs/promises";
import { SaevError } from "../errors.js";

/**
 * `length` bytes of a file from `start` on. Whoever asks has checked the numbers against the file's size.
 * @throws SaevError `NOT_FOUND`, `IO`, or `BAD_FILE` when the file ends before.
 */
export async function readBytes(
  path: string,
  start: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const handle = await opened(path, () => open(path, "r"));
  try {
    for (let at = 0; at < length; ) {
      const { bytesRead } = await opened(path, () => handle.read(bytes, at, length - at, start + at));
      if (bytesRead === 0)
        throw new SaevError("BAD_FILE", `${path}: it ends at ${start + at} bytes, before what it speaks of`);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return bytes;
}

/** Failures of the file system as SaevErrors. */
export async function opened<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new SaevError("NOT_FOUND", `${path}: there is no such file`);
    throw new SaevError("IO", `cannot read ${path}: ${message.split(",")[0]}`, { cause: error });
  }
}
