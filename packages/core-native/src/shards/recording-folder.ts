import path from "node:path";
import { type Activations, type Metadata, metadataHash, metadataText } from "@saev/config";
import { writeText } from "../io/write-text.js";
import { type ShardLayout, shardLayout } from "./layout.js";
import {
  protocol21Hash,
  protocol21Of,
  protocol21Text,
  shardEntries,
  shardEntriesText,
} from "./protocol21.js";

/** A shard folder that is recorded: its place, and what its files of text say. */
export interface RecordingFolder {
  readonly dir: string;
  /** The text of its metadata.json. */
  readonly metadata: string;
  /** The text of its shards.json, in a folder of protocol 2.1. */
  readonly entries: string | undefined;
  readonly layout: ShardLayout;
  /** Images that are recorded: those of the dataset. */
  readonly images: number;
}

/**
 * The folder of a recording in the layout that the config asks for (`protocol`). In the present one it is what `saev convert`
 * makes of the other, to the byte.
 * @param metadata `metadataOf` the config.
 * @param images pictures of the dataset.
 * @param labelled whether patches get labels.
 * @throws SaevError `INVALID_ARGUMENT` as {@link shardLayout}.
 */
export function recordingFolder(
  { dump_to, protocol }: Pick<Activations, "dump_to" | "protocol">,
  metadata: Metadata,
  images: number,
  labelled: boolean,
): RecordingFolder {
  const layout = shardLayout(metadata);
  if (protocol === "document") {
    const dir = path.join(dump_to, metadataHash(metadata));
    return { dir, metadata: metadataText(metadata), entries: undefined, layout, images };
  }
  const present = protocol21Of(metadata, images, labelled);
  return {
    dir: path.join(dump_to, protocol21Hash(present).slice(0, 8)),
    metadata: protocol21Text(present),
    entries: shardEntriesText(shardEntries(images, layout.nImgsPerShard)),
    layout: { ...layout, nImgs: images },
    images,
  };
}

/** Writes shards.json where there is to be one: the last file before the folder counts as complete. @throws SaevError `IO`. */
export async function writeEntries({ dir, entries }: RecordingFolder): Promise<void> {
  if (entries !== undefined) await writeText(path.join(dir, "shards.json"), entries);
}
