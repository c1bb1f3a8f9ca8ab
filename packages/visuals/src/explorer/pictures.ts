import { readFile } from "node:fs/promises";
import { decodeImage, defaultMaxPixels, type ImageDataset, SaevError, type Transform } from "@saev/core";
import { LRUCache } from "lru-cache";
import pLimit from "p-limit";
import sharp from "sharp";
import { viewOf } from "../view.js";
import { thumbnail } from "./thumbnail.js";

/** Sides of pictures that are served, in pixels: thumbnails, cards, a page, and a page on a dense screen. */
export const pictureSizes = [96, 160, 320, 448] as const;
export type PictureSize = (typeof pictureSizes)[number];

/** Bytes of encoded pictures kept in memory. */
const cacheBytes = 64 * 2 ** 20;

const webp = { quality: 82, effort: 1 };

/** Pictures decoded at a time: each may take a hundred megabytes. */
const atATime = 4;

/** Renders a dataset's images as the model saw them, when they are asked for, and keeps the last ones. */
export class Pictures {
  readonly #limit = pLimit(atATime);
  readonly #cache = new LRUCache<string, Uint8Array, { image: number; size: number }>({
    maxSize: cacheBytes,
    sizeCalculation: (bytes) => bytes.length,
    fetchMethod: (_key, _stale, { context: { image, size } }) => this.#limit(() => this.#render(image, size)),
  });

  constructor(
    readonly dataset: ImageDataset,
    /** How the recorded model's pictures were prepared. */
    readonly transform: Transform,
  ) {}

  /**
   * WebP, square.
   * @throws SaevError `NOT_FOUND` beyond the dataset, `BAD_FILE` for a picture that cannot be read.
   */
  get(image: number, size: PictureSize): Promise<Uint8Array> {
    return this.#cache.forceFetch(`${image}/${size}`, { context: { image, size } });
  }

  async #render(image: number, size: number): Promise<Uint8Array> {
    const { dataset } = this;
    if (!(image < dataset.length)) {
      throw new SaevError("NOT_FOUND", `image ${image}: the dataset has ${dataset.length} images`);
    }
    const found = await dataset.image(image);
    // Read once, for either way; a file that cannot be read is left to the exact one, which says so in words.
    const source = typeof found === "string" ? await readFile(found).catch(() => found) : found;
    try {
      const small =
        typeof source !== "string" && (await thumbnail(source, this.transform, size, defaultMaxPixels()));
      if (small) return await small.webp(webp).toBuffer();
    } catch {
      // The exact way says what is wrong with it.
    }
    const pixels = await decodeImage(source, { name: dataset.where(image) });
    const { width, height, data } = await viewOf(pixels, this.transform, { side: size });
    const raw = { width, height, channels: 3 as const };
    return sharp(data, { raw }).webp(webp).toBuffer();
  }
}
