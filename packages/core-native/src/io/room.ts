import { statfsSync } from "node:fs";
import { SaevError } from "../errors.js";

/**
 * Asks for room on the disk of `folder`, which must be there, before hours are spent on what goes into it.
 * @param what what takes the room, e.g. "the checkpoints of 3 SAEs".
 * @throws SaevError `IO` when fewer than `bytes` are free.
 */
export function requireRoom(folder: string, bytes: number, what: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new SaevError(
    "IO",
    `${folder}: no space left for ${what}, which take ${megabytes(bytes)}: ${megabytes(free)} are free; make room or choose another folder`,
  );
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
