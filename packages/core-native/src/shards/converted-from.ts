import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Metadata, parseMetadata } from "@saev/config";
import { SaevError } from "../errors.js";
import { shardLayout } from "./layout.js";
import { documentMetadata, parseProtocol21 } from "./protocol21.js";
import type { ShardFolder, ShardFormat } from "./shard-folder.js";

/** Our file in a converted folder: what the other layout said and this one has no place for. */
export const originFile = "converted-from.json";

/** How a folder was before it was converted. */
export interface Origin {
  readonly layout: ShardFormat;
  /** The exact text of its metadata.json. */
  readonly metadata: string;
  /** Size of its last shard with images. */
  readonly last_shard_bytes: number;
}

export const originText = (origin: Origin): string =>
  `${JSON.stringify({ format: 1, ...origin }, null, 2)}\n`;

/**
 * What a converted folder was before; undefined when it was recorded as it is.
 * @throws SaevError `BAD_FILE` when the file is damaged or does not belong to these shards.
 */
export async function readOrigin(folder: ShardFolder): Promise<Origin | undefined> {
  const file = path.join(folder.dir, originFile);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  if (text === undefined) return undefined;
  const bad = (what: string, cause?: unknown) =>
    new SaevError("BAD_FILE", `${file}: ${what}; delete this file to convert the folder as it is`, { cause });
  let before: Metadata;
  let origin: Origin & { format?: unknown };
  try {
    origin = JSON.parse(text) as typeof origin;
    if (origin.format !== 1) throw new Error(`expected format 1, found ${JSON.stringify(origin.format)}`);
    const value: unknown = JSON.parse(origin.metadata);
    before =
      origin.layout === "document"
        ? parseMetadata(value)
        : documentMetadata(parseProtocol21(value, "metadata"));
  } catch (error) {
    throw bad(`expected what \`saev convert\` writes, found ${(error as Error).message}`, error);
  }
  const { metadata, layout, imagesDone } = folder;
  const same =
    origin.layout !== folder.format &&
    (["vit_family", "vit_ckpt", "n_patches_per_img", "cls_token", "d_vit", "dtype"] as const).every(
      (key) => before[key] === metadata[key],
    ) &&
    String(before.layers) === String(metadata.layers) &&
    shardLayout(before).nImgsPerShard === layout.nImgsPerShard &&
    (origin.layout === "document" ? before.n_imgs >= imagesDone : before.n_imgs === metadata.n_imgs) &&
    [layout.bytesPerShard, folder.imagesIn(folder.nShards - 1) * layout.bytesPerImg].includes(
      origin.last_shard_bytes,
    );
  if (!same) throw bad("it tells of other shards than these");
  return origin;
}
