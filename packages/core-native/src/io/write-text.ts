import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";

/**
 * Writes a text file that appears under its name only when it is whole and on disk.
 * @throws SaevError `IO`.
 */
export async function writeText(file: string, text: string): Promise<void> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new SaevError("IO", `cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}
