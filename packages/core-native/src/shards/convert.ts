import {
  constants,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { type Metadata, metadataHash, metadataText, parseMetadata, reprOfDataset } from "@saev/config";
import { SaevError } from "../errors.js";
import { writeText } from "../io/write-text.js";
import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { checksumsFile, checksumsText, readChecksums } from "./checksums.js";
import { type Origin, originFile, originText, readOrigin } from "./converted-from.js";
import { datasetOfShards } from "./dataset-of-shards.js";
import { shardName } from "./layout.js";
import { preprocessingFile } from "./preprocessing.js";
import {
  documentMetadata,
  type Protocol21Metadata,
  parseProtocol21,
  protocol21Hash,
  protocol21Of,
  protocol21Text,
  shardEntriesText,
  unpickledText,
} from "./protocol21.js";
import { ShardFolder, type ShardFormat } from "./shard-folder.js";

export interface Conversion {
  /** The new folder: `out/<hash>`. */
  readonly dir: string;
  readonly format: ShardFormat;
  /** Shard files that share their bytes with the old folder's, and those that were copied. */
  readonly linked: number;
  readonly copied: number;
}

/** Progress is in files. */
export interface ConvertOptions extends LongCallOptions {}

/**
 * Writes a finished shard folder down in the other of the Python package's two layouts, as `out/<hash>`. Shards are hard
 * links, or copies where the file system has none; the last one is copied where its size differs. What the new layout
 * has no place for is kept in `converted-from.json`, so that converting back gives the same files to the byte.
 * @param out the folder in which the new one is made.
 * @throws SaevError `BAD_FILE` for an unfinished or damaged folder, `INVALID_ARGUMENT` when it is of that layout already
 * or the new folder is there, `IO`.
 */
export async function convertShards(
  dir: string,
  to: ShardFormat,
  out: string,
  options: ConvertOptions = {},
): Promise<Conversion> {
  const folder = await ShardFolder.open(dir);
  if (folder.format === to)
    throw new SaevError("INVALID_ARGUMENT", `${dir} is in the layout "${to}" already; nothing to convert`);
  folder.requireComplete();
  if (folder.nShards === 0)
    throw new SaevError("INVALID_ARGUMENT", `${dir} holds no images; nothing to convert`);
  await folder.checkFiles();
  const origin = await readOrigin(folder);
  const target = origin ? fromOrigin(origin) : await derived(folder);
  const made = path.join(out, target.name);
  if (await stat(made).catch(() => undefined))
    throw new SaevError("INVALID_ARGUMENT", `${made} is there already; delete it or choose another folder`);
  const draft = path.join(out, `.${target.name}.${process.pid}.tmp`);
  try {
    await mkdir(draft, { recursive: true });
    const counts = await placeFiles(folder, target, draft, origin, options);
    await rename(draft, made);
    return Object.freeze({ dir: made, format: to, ...counts });
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (error instanceof SaevError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new SaevError("IO", `cannot write ${made}: ${(error as Error).message}`, { cause: error });
  }
}

interface Target {
  readonly name: string;
  readonly format: ShardFormat;
  readonly text: string;
  readonly nImgs: number;
}

const documentTarget = (metadata: Metadata, text: string): Target => ({
  name: metadataHash(metadata),
  format: "document",
  text,
  nImgs: metadata.n_imgs,
});
const protocol21Target = (metadata: Protocol21Metadata, text: string): Target => ({
  name: protocol21Hash(metadata).slice(0, 8),
  format: "protocol-2.1",
  text,
  nImgs: metadata.n_examples,
});

const fromOrigin = ({ layout, metadata }: Origin): Target =>
  layout === "document"
    ? documentTarget(parseMetadata(JSON.parse(metadata)), metadata)
    : protocol21Target(parseProtocol21(JSON.parse(metadata), originFile), metadata);

async function derived({ metadata, protocol21, imagesDone, dir }: ShardFolder): Promise<Target> {
  if (protocol21) {
    const readable = { ...metadata, data: readableData(metadata.data, protocol21) };
    return documentTarget(readable, metadataText(readable));
  }
  const labelled = await stat(path.join(dir, "labels.bin")).catch(() => undefined);
  const present = protocol21Of(metadata, imagesDone, labelled !== undefined);
  return protocol21Target(present, protocol21Text(present));
}

/** The pickle's text or the repr of its dataset, for people to read; a pickle of which neither is known stays. */
function readableData(data: string, protocol21: Protocol21Metadata): string {
  const text = unpickledText(data);
  if (text !== undefined) return text;
  const found = datasetOfShards({ metadata: documentMetadata(protocol21), protocol21 });
  return "dataset" in found ? reprOfDataset(found.dataset) : data;
}

async function placeFiles(
  folder: ShardFolder,
  target: Target,
  draft: string,
  origin: Origin | undefined,
  options: ConvertOptions,
): Promise<{ linked: number; copied: number }> {
  const { dir, nShards, layout } = folder;
  const names = new Set(await readdir(dir));
  // Where images fill the last shard, the Python package writes one more, of zeros.
  let nFiles = nShards;
  while (names.has(shardName(nFiles))) nFiles++;
  const lastBytes = origin?.last_shard_bytes ?? layout.bytesPerShard;
  const sizeOf = async (name: string) => (await stat(path.join(dir, name))).size;
  const counts = { linked: 0, copied: 0 };
  for (let shard = 0; shard < nFiles; shard++) {
    options.signal?.throwIfAborted();
    const name = shardName(shard);
    const size = shard === nShards - 1 && (await sizeOf(name)) !== lastBytes ? lastBytes : undefined;
    const linked = await place(path.join(dir, name), path.join(draft, name), size);
    counts[linked ? "linked" : "copied"] += 1;
    options.onProgress?.({ done: shard + 1, total: nFiles });
  }
  await writeText(path.join(draft, "metadata.json"), target.text);
  if (target.format === "protocol-2.1") {
    const entries = Array.from({ length: nFiles }, (_, i) => ({
      name: shardName(i),
      n_examples: folder.imagesIn(i),
    }));
    await writeText(path.join(draft, "shards.json"), shardEntriesText(entries));
  }
  if (names.has("labels.bin")) {
    const size = target.nImgs * folder.metadata.n_patches_per_img;
    const differs = (await sizeOf("labels.bin")) !== size;
    await place(path.join(dir, "labels.bin"), path.join(draft, "labels.bin"), differs ? size : undefined);
  }
  for (const name of ["saev.json", preprocessingFile]) {
    if (names.has(name))
      await writeText(path.join(draft, name), await readFile(path.join(dir, name), "utf8"));
  }
  await placeChecksums(folder, draft, nFiles, options);
  if (origin === undefined) {
    const metadata = await readFile(path.join(dir, "metadata.json"), "utf8");
    const last_shard_bytes = nShards === 0 ? 0 : await sizeOf(shardName(nShards - 1));
    await writeText(
      path.join(draft, originFile),
      originText({ layout: folder.format, metadata, last_shard_bytes }),
    );
  }
  return counts;
}

/** The old folder's checksums; that of a last shard of another size is computed anew. */
async function placeChecksums(
  folder: ShardFolder,
  draft: string,
  nFiles: number,
  options: ConvertOptions,
): Promise<void> {
  const sums = new Map(await readChecksums(folder.dir));
  if (sums.size === 0) return;
  const last = shardName(folder.nShards - 1);
  const [before, after] = await Promise.all(
    [folder.dir, draft].map(async (at) => (await stat(path.join(at, last))).size),
  );
  if (sums.has(last) && before !== after) {
    const file = { path: path.join(draft, last), images: folder.imagesIn(folder.nShards - 1), hash: true };
    const [scan] = await callAsync({ signal: options.signal }, (control) =>
      addon().scanShards(
        [file],
        folder.layout.bytesPerImg,
        folder.layout.dtype,
        availableParallelism(),
        control,
      ),
    );
    if (scan!.error !== "") throw new SaevError("IO", scan!.error);
    sums.set(last, scan!.sha256);
  }
  const kept = [...sums].filter(([name]) => Number(name.slice(4, -4)) < nFiles);
  await writeText(path.join(draft, checksumsFile), checksumsText(new Map(kept)));
}

/** Codes of file systems that have no hard links, of links across them, and of files with too many. */
const noLinks = new Set(["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/**
 * Puts a file there, as a link where it can be. With `size` it is a copy of that size, its end cut or zeros.
 * @returns whether it is a link.
 */
async function place(from: string, to: string, size: number | undefined): Promise<boolean> {
  if (size === undefined) {
    try {
      await link(from, to);
      return true;
    } catch (error) {
      if (!noLinks.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const handle = await open(to, "r+");
  try {
    if (size !== undefined) await handle.truncate(size);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return false;
}
