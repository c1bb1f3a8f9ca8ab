import path from "node:path";
import { makeFolder, type Pixels } from "@saev/core";
import sharp from "sharp";
import { writeFileAtomic } from "../write-file.js";
import type { GalleryContent } from "./data.js";
import { pageHtml } from "./page.js";

/** Width and height of a picture on a latent's page, and of one on the overview, in pixels. */
export const pictureSize = 448;
export const thumbSize = 160;

/**
 * Where the gallery keeps its pictures: `gallery/images/<index>.jpg` and `gallery/thumbs/<index>.jpg`, one of each for
 * every image that any latent shows, whatever the number of latents. On photographs they take about 30 KB and 6 KB, so
 * that 400 latents with ten images each, all different, are about 140 MB, and usually far less.
 */
export const galleryPicture = (root: string, image: number) =>
  path.join(root, "gallery", "images", `${image}.jpg`);
export const galleryThumb = (root: string, image: number) =>
  path.join(root, "gallery", "thumbs", `${image}.jpg`);

/** Pictures are synced together, see `Staging.publish`. */
const later = { sync: false };

/** Writes the two pictures of an image. The heat maps are drawn by the page. @param picture square, RGB. */
export async function writeGalleryPicture(root: string, image: number, picture: Pixels): Promise<void> {
  makeFolder(path.join(root, "gallery", "images"));
  makeFolder(path.join(root, "gallery", "thumbs"));
  const raw = { width: picture.width, height: picture.height, channels: 3 as const };
  const [large, small] = await Promise.all([
    sharp(picture.data, { raw }).resize(pictureSize, pictureSize).jpeg({ quality: 82 }).toBuffer(),
    sharp(picture.data, { raw }).resize(thumbSize, thumbSize).jpeg({ quality: 80 }).toBuffer(),
  ]);
  await writeFileAtomic(galleryPicture(root, image), large, later);
  await writeFileAtomic(galleryThumb(root, image), small, later);
}

/**
 * Writes `index.html`, which opens from disk without a server or a network. Its pictures must be there, written with
 * {@link writeGalleryPicture}.
 * @returns its path.
 */
export async function writeGallery(root: string, content: GalleryContent): Promise<string> {
  const file = path.join(root, "index.html");
  await writeFileAtomic(file, pageHtml(content));
  return file;
}
