import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";

/**
 * Makes a folder and those above it; one that is there already is fine.
 * @throws SaevError `IO` with the system's reason.
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new SaevError("IO", `cannot make the folder ${folder}: ${reason(cause, folder)}`, { cause });
  }
}

/** Why. Node says ENOENT when a folder above cannot be made, on a read-only disk for one: made alone, it tells. */
function reason(cause: unknown, folder: string): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code !== "ENOENT") return message;
  let missing = path.resolve(folder);
  while (!existsSync(path.dirname(missing))) missing = path.dirname(missing);
  try {
    mkdirSync(missing);
  } catch (error) {
    return (error as Error).message;
  }
  return message;
}
