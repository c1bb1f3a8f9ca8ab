import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { ConfigError, type Metadata, parseMetadata } from "@saev/config";
import { SaevError } from "../errors.js";
import { type ShardLayout, shardLayout } from "./layout.js";
import { type PartStatus, readParts } from "./part-status.js";
import {
  documentMetadata,
  looksLikeProtocol21,
  type Protocol21Metadata,
  parseProtocol21,
  parseShardEntries,
} from "./protocol21.js";
import { parseShardStatus, type ShardStatus } from "./shard-status.js";

/** What the files beside the activations say. */
export interface ShardFolderFiles {
  /** In the document's words, whichever the layout. */
  readonly metadata: Metadata;
  readonly layout: ShardLayout;
  /** What `saev.json` says; `undefined` in a folder of the Python package. */
  readonly status: ShardStatus | undefined;
  /** metadata.json as it is, in a folder of the present layout. */
  readonly protocol21: Protocol21Metadata | undefined;
  /** Images that `shards.json` counts. */
  readonly listed: number | undefined;
  /** Of an unfinished recording, the parts that several processes began. */
  readonly parts: readonly PartStatus[];
}

/**
 * Reads `metadata.json`, of either layout of the Python package, and, where they are, `shards.json` and `saev.json`.
 * @throws SaevError `NOT_FOUND` with the shard folders inside `dir` when it is none itself, `BAD_FILE` for metadata that make no
 * sense, each mistake named.
 */
export async function readShardFolder(dir: string): Promise<ShardFolderFiles> {
  const file = path.join(dir, "metadata.json");
  const text = await readFile(file, "utf8").catch(async (error: NodeJS.ErrnoException) => {
    throw await notAFolderOfShards(dir, error);
  });
  const { metadata, protocol21 } = parseText(text, file);
  const layout = layoutOf(metadata, file);
  const status = await readStatus(dir, metadata);
  const listed = protocol21 && (await readEntries(dir, metadata, layout, status));
  const parts = status && !status.complete ? await readParts(dir) : [];
  return { metadata, layout, status, protocol21, listed, parts };
}

/** An error of the file system as one of ours, which names the file. */
export function shardFileError(error: unknown, file: string): unknown {
  if (error instanceof SaevError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const kind = code === "ENOENT" || code === "ENOTDIR" ? "NOT_FOUND" : "IO";
  return new SaevError(kind, `cannot read ${file}: ${error.message}`, { cause: error });
}

function parseText(text: string, file: string): { metadata: Metadata; protocol21?: Protocol21Metadata } {
  try {
    const value: unknown = JSON.parse(text);
    if (!looksLikeProtocol21(value)) return { metadata: parseMetadata(value, { where: file }) };
    const protocol21 = parseProtocol21(value, file);
    return { metadata: documentMetadata(protocol21), protocol21 };
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new SaevError("BAD_FILE", `${file}: expected JSON, found ${error.message}`, { cause: error });
    }
    if (error instanceof ConfigError) throw new SaevError("BAD_FILE", error.message, { cause: error });
    throw error;
  }
}

function layoutOf(metadata: Metadata, file: string): ShardLayout {
  try {
    return shardLayout(metadata);
  } catch (cause) {
    throw new SaevError("BAD_FILE", `${file}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * @returns undefined for a recording of ours that is not finished: shards.json is the last file that it gets.
 * @throws SaevError `NOT_FOUND` without shards.json: nothing else says how much of the last file is images.
 */
async function readEntries(
  dir: string,
  metadata: Metadata,
  layout: ShardLayout,
  status: ShardStatus | undefined,
): Promise<number | undefined> {
  const file = path.join(dir, "shards.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" && status && !status.complete) return undefined;
    throw shardFileError(error, file);
  });
  return text === undefined ? undefined : parseShardEntries(text, file, metadata, layout.nImgsPerShard);
}

async function readStatus(dir: string, metadata: Metadata): Promise<ShardStatus | undefined> {
  const file = path.join(dir, "saev.json");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  return text === undefined ? undefined : parseShardStatus(text, file, metadata.n_imgs);
}

async function notAFolderOfShards(dir: string, error: NodeJS.ErrnoException): Promise<SaevError> {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") {
    return new SaevError("IO", `cannot read ${path.join(dir, "metadata.json")}: ${error.message}`, {
      cause: error,
    });
  }
  const names = await readdir(dir).catch(() => undefined);
  if (names === undefined) {
    return new SaevError("NOT_FOUND", `${dir} is no folder; expected one with metadata.json and acts*.bin`);
  }
  const inside = names.filter((name) => /^([0-9a-f]{64}|[0-9a-f]{8})$/.test(name));
  const hint =
    inside.length === 0
      ? "record activations with `saev activations` first"
      : `did you mean ${inside
          .slice(0, 3)
          .map((name) => path.join(dir, name))
          .join(" or ")}?`;
  return new SaevError("NOT_FOUND", `${dir} holds no metadata.json; ${hint}`);
}
