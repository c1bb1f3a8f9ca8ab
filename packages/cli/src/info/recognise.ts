import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { CommandError } from "../errors.js";

/** The kinds of things that saev reads and writes. */
export type Kind = "shard-folder" | "run" | "visuals" | "vit" | "sae" | "tensor-file" | "collection";

/**
 * What a path is, going by what lies there, not by its name.
 * @throws CommandError NOT_FOUND or BAD_FILE, which says what would have been recognised.
 */
export function recognise(at: string): Kind {
  let isFolder: boolean;
  try {
    isFolder = statSync(at).isDirectory();
  } catch (error) {
    throw new CommandError(
      "NOT_FOUND",
      `${at}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "nothing is there" : (error as Error).message}`,
    );
  }
  const kind = isFolder ? folderKind(at) : fileKind(at);
  if (kind !== undefined) return kind;
  if (isFolder && partsOf(at).length > 0) return "collection";
  throw new CommandError(
    "BAD_FILE",
    isFolder
      ? `${at}: expected a shard folder (metadata.json), a run (sae.pt), a visuals folder (top_values.pt) or a model (open_clip_config.json, or config.json with model.pth), found ${contents(at)}`
      : `${at}: expected an SAE (a line of JSON, then a torch archive), safetensors or a torch file, found something else`,
  );
}

/** The folders inside a folder that are themselves something, e.g. the runs of a checkpoint folder. */
export function partsOf(folder: string): { name: string; kind: Kind }[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => ({ name, kind: folderKind(path.join(folder, name)) }))
    .filter((part): part is { name: string; kind: Kind } => part.kind !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function folderKind(folder: string): Kind | undefined {
  const holds = (name: string): boolean => existsSync(path.join(folder, name));
  if (holds("metadata.json")) return "shard-folder";
  if (holds("top_values.pt")) return "visuals";
  if (holds("open_clip_config.json") || holds("open_clip_model.safetensors")) return "vit";
  const weights = ["model.pth", "model.safetensors", "pytorch_model.bin"].flatMap((name) => [
    name,
    `${name}.index.json`,
  ]);
  if (holds("config.json") && weights.some(holds)) return "vit";
  if (holds("sae.pt") || holds("metrics.jsonl")) return "run";
  return undefined;
}

/** By the first bytes: JSON, a zip archive, safetensors' length and JSON, or a pickle. */
function fileKind(file: string): Kind | undefined {
  const bytes = Buffer.alloc(16);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(descriptor);
  }
  if (bytes[0] === 0x7b) return "sae";
  const isZip = bytes.subarray(0, 4).equals(Buffer.from("PK\u0003\u0004"));
  const isSafetensors = bytes[8] === 0x7b && bytes.readBigUInt64LE(0) < 1n << 32n;
  const isPickle = bytes[0] === 0x80 && (bytes[1] ?? 0) >= 2;
  return isZip || isSafetensors || isPickle ? "tensor-file" : undefined;
}

function contents(folder: string): string {
  const names = readdirSync(folder);
  if (names.length === 0) return "an empty folder";
  return names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
}
