import { open, rm, stat } from "node:fs/promises";
import { SaevError } from "@saev/core";
import { asIoError } from "../write-file.js";

/** A lock is held for some milliseconds: one that is older, in milliseconds, was left by a program that ended. */
const stale = 10_000;
/** How long others are waited for. */
const patience = 5_000;

/**
 * Does `work` while no other program does, of those that ask: `<file>.lock` exists meanwhile.
 * @throws SaevError `IO` when it is held all the time or cannot be made, `NOT_FOUND` when its folder is not there; what `work`
 * throws.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`;
  const end = Date.now() + patience;
  while (!(await taken(lock))) {
    const since = await stat(lock).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (since !== undefined && Date.now() - since > stale) await rm(lock, { force: true });
    else if (Date.now() > end)
      throw new SaevError(
        "IO",
        `cannot write ${file}: another program has held ${lock} for ${patience / 1000} s; if none runs, delete that file`,
      );
    else await new Promise((resolve) => setTimeout(resolve, 5 + 20 * Math.random()));
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** Whether the lock is ours now; it is another's if not. */
async function taken(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx")).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw asIoError(error, `cannot write ${lock}`);
  }
}
