import { readdir, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Dataset } from "@saev/config";
import { SaevError } from "../errors.js";
import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import { checksumsFile, readChecksums } from "./checksums.js";
import { originFile } from "./converted-from.js";
import { shardName } from "./layout.js";
import { partsFolder } from "./part-status.js";
import { preprocessingFile } from "./preprocessing.js";
import { ShardFolder, type ShardFormat } from "./shard-folder.js";

/** Something that `verifyShards` noticed. */
export interface ShardFinding {
  /** "error": the activations are not what they should be. "note": good to know. */
  readonly severity: "error" | "note";
  readonly code:
    | "unfinished"
    | "name"
    | "missing"
    | "unreadable"
    | "size"
    | "checksum"
    | "no-checksum"
    | "not-finite"
    | "zeros"
    | "hole"
    | "padding"
    | "labels"
    | "recomputed"
    | "not-recomputed"
    | "stray";
  /** The file it is about, inside the folder. */
  readonly file?: string;
  /** One line: what was expected, what was found, what to do. */
  readonly message: string;
}

export interface ShardVerification {
  readonly dir: string;
  readonly format: ShardFormat;
  /** Whether no finding is an error. */
  readonly ok: boolean;
  readonly findings: readonly ShardFinding[];
  /** Shard files read, and how many of them had a checksum to compare with. */
  readonly files: number;
  readonly checksums: number;
  readonly bytes: number;
}

/** Progress is in bytes. */
export interface VerifyOptions extends LongCallOptions {
  /** Files that are read at the same time. Default: all cores. */
  readonly nWorkers?: number;
  /** Images that are computed again and compared, with the model and the pictures that the metadata name. Default: 0. */
  readonly recompute?: number;
  /** The pictures, where `metadata.json` does not say which they are, or they lie elsewhere now. */
  readonly data?: Dataset;
  /** The model, where it lies elsewhere now. Default: the metadata's `vit_ckpt`. */
  readonly vitCkpt?: string;
}

const again = "record these activations again, or copy the file anew from where it came";

/**
 * Reads every shard of a folder, of either layout, from end to end: sizes, checksums where `SHA256SUMS` has them,
 * finite values, holes and padding that are zeros, images that are zeros and should not be; and the folder's name,
 * unfinished recordings and files that do not belong there. With `recompute`, some images are computed again.
 * @throws SaevError `NOT_FOUND`, `BAD_FILE` when there is no metadata.json or it makes no sense.
 */
export async function verifyShards(dir: string, options: VerifyOptions = {}): Promise<ShardVerification> {
  const folder = await ShardFolder.open(dir);
  const sums = await readChecksums(dir);
  const names = (await readdir(dir)).sort();
  const findings: ShardFinding[] = [];
  const note = (code: ShardFinding["code"], message: string, file?: string): void =>
    void findings.push({ severity: "note", code, ...(file && { file }), message });
  const error = (code: ShardFinding["code"], message: string, file?: string): void =>
    void findings.push({ severity: "error", code, ...(file && { file }), message });

  const { imagesDone, nShards, holes, layout } = folder;
  // Of an unfinished recording, the last shard is a part still.
  const sealed = folder.complete ? nShards : Math.floor(imagesDone / layout.nImgsPerShard);
  const { unfinished } = folder;
  if (unfinished !== undefined) error("unfinished", unfinished);
  if (!folder.hasOwnName) {
    error(
      "name",
      `the folder is named ${path.basename(path.resolve(dir))}, and the hash of its metadata is ${folder.hash}; name it so, or find out who changed metadata.json`,
    );
  }
  for (const name of names) {
    const what = stray(name, sealed, folder);
    if (what !== undefined) note("stray", what, name);
  }
  if (names.includes("labels.bin")) {
    const expected = imagesOfLabels(folder) * folder.metadata.n_patches_per_img;
    const { size } = await stat(path.join(dir, "labels.bin"));
    if (size !== expected)
      error(
        "labels",
        `labels.bin: expected ${expected} bytes, one a patch, found ${size}; ${again}`,
        "labels.bin",
      );
  }

  const there = Array.from({ length: sealed }, (_, shard) => shard).filter((shard) => {
    const name = shardName(shard);
    if (names.includes(name)) return true;
    error("missing", `${name} is missing; ${again}`, name);
    return false;
  });
  // An extra file of the Python package is zeros.
  const extra = names.filter((name) => extraShard(name, sealed, folder));
  const files = [
    ...there.map((shard) => ({ name: shardName(shard), images: folder.imagesIn(shard), shard })),
    ...extra.map((name) => ({ name, images: 0, shard: -1 })),
  ];
  const scans = await callAsync(options, (control) =>
    addon().scanShards(
      files.map(({ name, images }) => ({ path: path.join(dir, name), images, hash: sums.has(name) })),
      layout.bytesPerImg,
      layout.dtype,
      Math.min(Math.max(options.nWorkers ?? availableParallelism(), 1), availableParallelism()),
      control,
    ),
  );
  let bytes = 0;
  const holeSet = new Set(holes);
  const nonZeroHoles = new Set(holes);
  for (const [i, { name, images, shard }] of files.entries()) {
    const scan = scans[i]!;
    bytes += scan.bytes;
    if (scan.error !== "") {
      error("unreadable", `${name}: ${scan.error}; ${again}`, name);
      continue;
    }
    if (shard < 0) {
      if (scan.paddingNonZero > 0)
        note(
          "stray",
          `${name} comes after the last image and is not zeros; nobody reads it: delete it`,
          name,
        );
      continue;
    }
    if (!folder.sizeFits(shard, scan.bytes))
      error("size", `${name}: expected ${layout.bytesPerShard} bytes, found ${scan.bytes}; ${again}`, name);
    const sum = sums.get(name);
    if (sum !== undefined && sum !== scan.sha256)
      error(
        "checksum",
        `${name}: its SHA-256 is ${scan.sha256.slice(0, 12)}…, and ${checksumsFile} says ${sum.slice(0, 12)}…: bytes changed since it was written; ${again}`,
        name,
      );
    const first = shard * layout.nImgsPerShard;
    if (scan.nonFinite > 0)
      error(
        "not-finite",
        `${name}: ${scan.nonFinite} values are NaN or infinite, the first in image ${first + scan.firstNonFinite}; ${again}`,
        name,
      );
    if (scan.paddingNonZero > 0)
      error(
        "padding",
        `${name}: ${scan.paddingNonZero} values after its ${images} images are not 0; ${again}`,
        name,
      );
    const zeros = scan.zeroImages.map((image) => first + image);
    for (const image of zeros) nonZeroHoles.delete(image);
    if (zeros.length === 2 ** 20)
      for (const hole of holes) if (hole > zeros.at(-1)!) nonZeroHoles.delete(hole);
    const unexpected = zeros.filter((image) => !holeSet.has(image));
    if (unexpected.length > 0)
      error(
        "zeros",
        `${name}: images ${listed(unexpected)} are all zeros: the recording stopped there, or the copy did; ${again}`,
        name,
      );
  }
  const recordedHoles = [...nonZeroHoles].filter((image) =>
    there.includes(Math.floor(image / layout.nImgsPerShard)),
  );
  if (recordedHoles.length > 0)
    error(
      "hole",
      `saev.json lists images ${listed(recordedHoles)} as holes, and they are not zeros; ${again}`,
      "saev.json",
    );
  if (holes.length > 0)
    note("hole", `images ${listed(holes)} could not be read when this was recorded; loaders leave them out`);
  if (options.recompute) findings.push(await recomputed(folder, options.recompute, options));
  const compared = files.filter(({ name, shard }) => shard >= 0 && sums.has(name)).length;
  if (compared < there.length)
    note(
      "no-checksum",
      `${there.length - compared} of ${there.length} shards have no checksum to compare with: changed bytes that are numbers go unseen`,
    );
  return Object.freeze({
    dir,
    format: folder.format,
    ok: findings.every(({ severity }) => severity === "note"),
    findings,
    files: files.length,
    checksums: compared,
    bytes,
  });
}

/** @throws SaevError for shards that cannot be read; the scan has said so before, in its own words. */
async function recomputed(
  folder: ShardFolder,
  images: number,
  { data, vitCkpt, signal }: VerifyOptions,
): Promise<ShardFinding> {
  // The model and the decoders are loaded only for those who ask.
  const { recompute } = await import("../activations/recompute.js");
  const found = await recompute(folder, { images, data, vitCkpt, signal }).catch((error: unknown) => {
    if (!(error instanceof SaevError)) throw error;
    return { done: false, why: error.message } as const;
  });
  if (!found.done)
    return {
      severity: "error",
      code: "not-recomputed",
      message: `nothing was recomputed: ${found.why}; model and pictures must be here as they were when this was recorded`,
    };
  const { worst, tolerance } = found;
  const which = `images ${listed(found.images)}`;
  if (worst.error <= tolerance)
    return {
      severity: "note",
      code: "recomputed",
      message: `${which} were recomputed; the largest difference is ${worst.error.toPrecision(2)} of a token's size (${tolerance.toPrecision(2)} at most)`,
    };
  return {
    severity: "error",
    code: "recomputed",
    message: `${which} were recomputed: token ${worst.token} of layer ${worst.layer} in image ${worst.image} differs by ${worst.error.toPrecision(2)} of its size, expected at most ${tolerance.toPrecision(2)}; the model, the pictures or their order are others than those recorded, or bytes changed`,
  };
}

const listed = (images: readonly number[]): string =>
  images.length > 10 ? `${images.slice(0, 10).join(", ")}, … (${images.length})` : images.join(", ");

const imagesOfLabels = (folder: ShardFolder): number =>
  folder.protocol21?.n_examples ?? folder.metadata.n_imgs;

const shardNumber = (name: string): number | undefined => {
  const digits = /^acts(\d{6,})\.bin$/.exec(name)?.[1];
  return digits === undefined || shardName(Number(digits)) !== name ? undefined : Number(digits);
};

const extraShard = (name: string, sealed: number, folder: ShardFolder): boolean =>
  folder.complete && (shardNumber(name) ?? -1) >= sealed;

/** Names that belong in a shard folder. */
const known = new Set([
  "metadata.json",
  "saev.json",
  "shards.json",
  "labels.bin",
  checksumsFile,
  originFile,
  preprocessingFile,
  ".saev.lock", // native/io/folder_lock.h, on NFS
]);

function stray(name: string, sealed: number, folder: ShardFolder): string | undefined {
  if (known.has(name) || (name === partsFolder && !folder.complete)) return undefined;
  const shard = shardNumber(name);
  if (shard !== undefined && (shard < sealed || folder.complete)) return undefined;
  if (/^acts\d{6,}\.bin\.part$/.test(name) && !folder.complete) return undefined;
  if (/\.part$|\.tmp(-|$)/.test(name))
    return `${name} is what a stopped program left; delete it unless one is running`;
  return `${name} is no file of a shard folder; nobody reads it`;
}
