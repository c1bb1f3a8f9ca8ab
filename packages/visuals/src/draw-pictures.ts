import { existsSync } from "node:fs";
import path from "node:path";
import { decodeImage, type ImageDataset, makeFolder, SaevError, type Transform } from "@saev/core";
import { eachAtOnce } from "./each-at-once.js";
import { galleryThumb, writeGalleryPicture } from "./gallery/write-gallery.js";
import { groundOf, type HighlightStyle } from "./highlight.js";
import { latentFolder, type PictureJob, writePicture } from "./latent-folder.js";
import { PngLanes } from "./png-lane.js";
import { PngOnGround } from "./png-on-ground.js";
import type { Ranking } from "./ranking.js";
import { viewSize } from "./view.js";

export interface DrawOptions {
  /** How the recorded model's pictures were prepared. */
  readonly transform: Transform;
  /** How heat maps are shown. */
  readonly style: HighlightStyle;
  /** Images, from the best, of each latent that the gallery shows; 0: no gallery. */
  readonly galleryImages: number;
  /** Images worked on at a time. */
  readonly concurrency: number;
  /** As in `decodeImage`. */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Of one image: while one picture is packed or written on another thread, the next is drawn. */
const picturesAtOnce = 2;

/** Rows of a picture that change together; fewer than 12 would be many small pieces. */
const bandRows = (patches = 0) =>
  Math.max(12, Math.floor(viewSize / Math.max(1, Math.floor(Math.sqrt(patches)))));

/** What is drawn of one image of the dataset. */
interface Use {
  readonly jobs: PictureJob[];
  gallery: boolean;
}

/**
 * Draws all pictures of all rankings. Each image is decoded and cut once, however many latents show it. A picture that
 * an interrupted job has drawn is not drawn again.
 */
export async function drawPictures(
  root: string,
  rankings: readonly Ranking[],
  images: ImageDataset,
  options: DrawOptions,
): Promise<void> {
  const uses = new Map<number, Use>();
  for (const { latent, images: ranked, upper } of rankings) {
    const folder = latentFolder(root, latent);
    makeFolder(folder);
    for (const [position, entry] of ranked.entries()) {
      let use = uses.get(entry.image);
      if (!use) {
        use = { jobs: [], gallery: false };
        uses.set(entry.image, use);
      }
      // The label is written last: with it, the picture is whole.
      if (!existsSync(path.join(folder, `${position}.txt`))) {
        use.jobs.push({ folder, position, ranked: entry, upper });
      }
      if (position < options.galleryImages && !existsSync(galleryThumb(root, entry.image)))
        use.gallery = true;
    }
  }
  const todo = [...uses].sort(([a], [b]) => a - b);
  using lanes = new PngLanes();
  await eachAtOnce(todo, options, ([image, use]) => drawImage(root, image, use, images, lanes, options));
}

async function drawImage(
  root: string,
  image: number,
  use: Use,
  images: ImageDataset,
  lanes: PngLanes,
  { transform, style, maxPixels, signal }: DrawOptions,
): Promise<void> {
  if (use.jobs.length === 0 && !use.gallery) return;
  if (image >= images.length) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `images: ${images.root} has ${images.length} images, and the shards speak of image ${image}; ` +
        "give the dataset that the activations were recorded from",
    );
  }
  const source = await images.image(image);
  const label = await images.label(image);
  const pixels = await decodeImage(source, { name: images.where(image), maxPixels, signal });
  const ground = await groundOf(pixels, transform, style, { signal });
  if (use.gallery) await writeGalleryPicture(root, image, ground.view);
  const patches = use.jobs.find(({ ranked }) => ranked.values)?.ranked.values?.length;
  const png = new PngOnGround(patches ? ground.base : ground.view, bandRows(patches));
  await eachAtOnce(use.jobs, { concurrency: picturesAtOnce, signal }, (job) =>
    lanes.borrow((lane) => writePicture(job, { ground, png, lane, style, label }, { signal })),
  );
}
