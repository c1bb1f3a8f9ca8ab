import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import type { ShardFolder } from "../shards/shard-folder.js";

/** Images that are looked at. */
const samples = 64;
/** Bytes of each. */
const most = 4096;

/**
 * What tells one recording from another without reading it: how much there is, and the beginnings of some images. It is that
 * of the activations, wherever the folder lies and whichever layout it has.
 * @throws SaevError `IO`, `NOT_FOUND`.
 */
export async function dataFingerprint(folder: ShardFolder): Promise<string> {
  const { metadata, imagesDone, imagesPerShard, tokensPerImage, layout } = folder;
  const perImage = layout.bytesPerImg;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([imagesDone, metadata.layers, tokensPerImage, metadata.d_vit]));
  const n = Math.min(samples, imagesDone);
  const bytes = Buffer.alloc(Math.min(most, perImage));
  for (let i = 0; i < n; i++) {
    const image = Math.floor((i * imagesDone) / n);
    const file = path.join(
      folder.dir,
      `acts${String(Math.floor(image / imagesPerShard)).padStart(6, "0")}.bin`,
    );
    try {
      const handle = await open(file, "r");
      try {
        await handle.read(bytes, 0, bytes.length, (image % imagesPerShard) * perImage);
      } finally {
        await handle.close();
      }
    } catch (cause) {
      const gone = (cause as NodeJS.ErrnoException).code === "ENOENT";
      throw new SaevError(gone ? "NOT_FOUND" : "IO", `cannot read ${file}: ${(cause as Error).message}`, {
        cause,
      });
    }
    hash.update(bytes);
  }
  return hash.digest("hex").slice(0, 32);
}
