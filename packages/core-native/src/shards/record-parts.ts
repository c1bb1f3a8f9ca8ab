import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SaevError } from "../errors.js";
import { readChecksums } from "./checksums.js";
import { shardName } from "./layout.js";
import { type Part, partDir, partsFolder, readPart, readParts } from "./part-status.js";
import { type RecordingFolder, writeEntries } from "./recording-folder.js";
import { ShardWriter, type ShardWriterOptions } from "./shard-writer.js";

/** What one process records. */
export interface PartRange {
  readonly firstShard: number;
  readonly shards: number;
  /** Images `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

/**
 * Parts are as many whole shards each as can be, so that no two processes write into one file.
 * @throws SaevError `INVALID_ARGUMENT` when there are more parts than shards.
 */
export function partRange({ layout, images }: RecordingFolder, { index, of }: Part): PartRange {
  const per = layout.nImgsPerShard;
  const all = Math.ceil(images / per);
  if (of > all) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `n_parts: these ${images} images fill ${all} shards of ${per}, so at most ${all} parts can share them; found ${of}; give fewer parts, or make shards smaller (n_patches_per_shard)`,
    );
  }
  const [firstShard, end] = [index, index + 1].map((i) => Number((BigInt(i) * BigInt(all)) / BigInt(of))) as [
    number,
    number,
  ];
  return {
    firstShard,
    shards: end - firstShard,
    from: firstShard * per,
    to: Math.min(images, end * per),
  };
}

/** The whole folder, or one part of it, opened to be written. */
export interface OpenedPart {
  /** Undefined when this part was finished before. */
  readonly writer: ShardWriter | undefined;
  /** Whether it is the whole folder, which is complete. */
  readonly sealed: boolean;
}

/**
 * Opens part `part` of a folder, and makes the folder where there is none. Its lock is the part's: other parts are recorded
 * meanwhile, the same part only once.
 * @throws SaevError `IO` when this part is being recorded; `INVALID_ARGUMENT` when the folder was begun in one go or in
 * another number of parts; as {@link ShardWriter.open}.
 */
export async function openPart(
  folder: RecordingFolder,
  part: Part,
  options: ShardWriterOptions,
): Promise<OpenedPart> {
  const { dir, metadata, layout } = folder;
  const range = partRange(folder, part);
  const whole = await openWhole(folder, { ...options, patient: true });
  if (whole.complete) return { writer: whole, sealed: true };
  // While the folder is locked nobody seals it: a part that is finished stays so.
  using _locked = whole;
  if (whole.nextImage > 0) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${dir}: ${whole.nextImage} of its images were recorded in one go; go on without n_parts, or delete the folder`,
    );
  }
  const [other] = (await readParts(dir)).filter(({ of }) => of !== part.of);
  if (other) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `n_parts: ${dir} was begun in ${other.of} parts, not ${part.of}; give the same number, or delete ${path.join(dir, partsFolder)} to begin anew`,
    );
  }
  if ((await readPart(dir, part))?.complete) return { writer: undefined, sealed: false };
  const own = partDir(dir, part);
  await mkdir(own, { recursive: true }).catch((cause: Error) => {
    throw new SaevError("IO", `cannot create folder ${own}: ${cause.message}`, { cause });
  });
  const ownLayout = { ...layout, nImgs: range.to - range.from };
  return { writer: await ShardWriter.openIn(own, metadata, ownLayout, options), sealed: false };
}

/**
 * Opens a folder that one process records.
 * @throws SaevError `INVALID_ARGUMENT` when it was begun in parts; as {@link ShardWriter.open}.
 */
export async function openAlone(folder: RecordingFolder, options: ShardWriterOptions): Promise<OpenedPart> {
  const writer = await openWhole(folder, options);
  const [begun] = writer.complete ? [] : await readParts(folder.dir);
  if (!begun) return { writer, sealed: true };
  writer.dispose();
  throw new SaevError(
    "INVALID_ARGUMENT",
    `${folder.dir} was begun in ${begun.of} parts; give n_parts = ${begun.of} and the part, or delete ${path.join(folder.dir, partsFolder)} to begin anew`,
  );
}

/**
 * Makes the finished parts of a folder one recording: shards get their place and number, holes, checksums and labels are
 * joined; then the folder counts as complete and the parts' folders go. Each step can be done again, so that a process that
 * dies meanwhile is replaced by any other part, run again.
 * @returns parts that are not finished; nothing was done unless there are none.
 * @throws SaevError `BAD_FILE` when a file of a part is gone, `IO`.
 */
export async function sealParts(
  folder: RecordingFolder,
  of: number,
  options: ShardWriterOptions,
): Promise<{ readonly waitingFor: readonly number[]; readonly holes: readonly number[] }> {
  using whole = await openWhole(folder, { ...options, patient: true });
  if (!whole.complete) {
    const parts = Array.from({ length: of }, (_, index) => ({ index, of }));
    const statuses = await Promise.all(parts.map((part) => readPart(folder.dir, part)));
    const waitingFor = parts.filter((_, i) => !statuses[i]?.complete).map(({ index }) => index);
    if (waitingFor.length > 0) return { waitingFor, holes: [] };
    const holes: number[] = [];
    const sums: string[] = [];
    for (const [i, part] of parts.entries()) {
      const range = partRange(folder, part);
      holes.push(...statuses[i]!.holes.map((hole) => range.from + hole));
      sums.push(...(await takeShards(folder, part, range)));
    }
    await joinLabels(folder.dir, parts);
    await removeDrafts(folder.dir);
    await writeEntries(folder);
    await whole.adopt(folder.images, holes, sums);
  }
  await rm(path.join(folder.dir, partsFolder), { recursive: true, force: true });
  return { waitingFor: [], holes: whole.holes };
}

/** Removes what processes that died left of files that they replaced. The parts are finished: nobody writes one. */
async function removeDrafts(dir: string): Promise<void> {
  for (const name of await readdir(dir))
    if (/^\.(?:preprocessing|shards)\.json\.\d+\.tmp$/.test(name))
      await rm(path.join(dir, name), { force: true });
}

/** Renames a part's shards to what they are in the whole folder. @returns their checksums. */
async function takeShards({ dir }: RecordingFolder, part: Part, range: PartRange): Promise<string[]> {
  const own = partDir(dir, part);
  const sums = await readChecksums(own);
  const taken: string[] = [];
  for (let i = 0; i < range.shards; i++) {
    const to = path.join(dir, shardName(range.firstShard + i));
    await rename(path.join(own, shardName(i)), to).catch(async (error: NodeJS.ErrnoException) => {
      // Renamed before, by a process that died.
      if (error.code === "ENOENT" && (await exists(to))) return;
      throw new SaevError(
        "BAD_FILE",
        `cannot take ${shardName(i)} from ${own}: ${error.message}; delete that folder and run part ${part.index} again`,
        { cause: error },
      );
    });
    const sum = sums.get(shardName(i));
    if (sum === undefined)
      throw new SaevError(
        "BAD_FILE",
        `${own}: SHA256SUMS lacks ${shardName(i)}; delete that folder and run part ${part.index} again`,
      );
    taken.push(sum);
  }
  return taken;
}

/** One labels.bin of those of the parts, where they have them. */
async function joinLabels(dir: string, parts: readonly Part[]): Promise<void> {
  const files = parts.map((part) => path.join(partDir(dir, part), "labels.bin"));
  if (!(await exists(files[0]!))) return;
  const to = path.join(dir, "labels.bin");
  const draft = `${to}.part`;
  try {
    const handle = await open(draft, "w");
    try {
      for (const file of files) await handle.writeFile(await readFile(file));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, to);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new SaevError("IO", `cannot write ${to}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Opens the folder itself.
 * @param options.patient whether to wait while another process has it: parts hold it for moments only, as they begin and as
 * one of them seals it.
 * @throws SaevError as {@link ShardWriter.open}.
 */
export async function openWhole(
  { dir, metadata, layout }: RecordingFolder,
  options: ShardWriterOptions & { readonly patient?: boolean },
): Promise<ShardWriter> {
  const patience = options.patient ? 10_000 : 0;
  const began = performance.now();
  for (;;) {
    try {
      return await ShardWriter.openIn(dir, metadata, layout, options);
    } catch (error) {
      const busy = error instanceof SaevError && /^another process is recording into/.test(error.message);
      if (!busy || performance.now() - began >= patience) throw error;
      await sleep(20 + 60 * Math.random());
      options.signal?.throwIfAborted();
    }
  }
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );
