import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { parseShardStatus, type ShardStatus } from "./shard-status.js";

/** Folder inside a shard folder in which parts are recorded; gone when it is sealed. */
export const partsFolder = "parts";

/** One of `of` processes that fill a shard folder together, counted from 0. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

/** How far a part is. */
export interface PartStatus extends Part {
  readonly complete: boolean;
  /** Images of this part that are on disk. */
  readonly imagesDone: number;
}

/** Where a part is recorded: a shard folder in small, whose images and shards count from 0. */
export const partDir = (dir: string, { index, of }: Part): string =>
  path.join(dir, partsFolder, `${index}-of-${of}`);

/** The part's saev.json; undefined when it was not begun. @throws SaevError `BAD_FILE`, `IO`. */
export async function readPart(dir: string, part: Part): Promise<ShardStatus | undefined> {
  const file = path.join(partDir(dir, part), "saev.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  return text === undefined ? undefined : parseShardStatus(text, file, Number.MAX_SAFE_INTEGER - 1);
}

/** The parts that were begun in a shard folder, in order; none in a folder that is recorded in one go, or sealed. */
export async function readParts(dir: string): Promise<readonly PartStatus[]> {
  const names = await readdir(path.join(dir, partsFolder)).catch(() => []);
  const parts = names.flatMap((name) => {
    const [, index, of] = /^(\d{1,9})-of-(\d{1,9})$/.exec(name) ?? [];
    return index === undefined ? [] : [{ index: Number(index), of: Number(of) }];
  });
  parts.sort((a, b) => a.of - b.of || a.index - b.index);
  return Promise.all(
    parts.map(async (part) => {
      const status = await readPart(dir, part);
      return { ...part, complete: status?.complete ?? false, imagesDone: status?.imagesDone ?? 0 };
    }),
  );
}

/** In one clause, for messages: which parts are missing. */
export function partsText(parts: readonly PartStatus[]): string {
  const of = parts[0]?.of ?? 0;
  const states = Array.from({ length: Math.min(of, 20) }, (_, index) => {
    const part = parts.find((other) => other.index === index);
    if (part?.complete) return undefined;
    return `${index} (${part ? `${part.imagesDone} images` : "not begun"})`;
  }).filter((state) => state !== undefined);
  const missing = states.length === 0 ? "none of them is missing" : `not finished: ${states.join(", ")}`;
  return `it is recorded in ${of} parts, ${missing}`;
}
