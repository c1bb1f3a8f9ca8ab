import { readdir } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { isImageName } from "./decode.js";
import type { ImageDataset } from "./image-dataset.js";
import { byCodePoint } from "./order.js";

/** One picture of a dataset. */
export interface ImageEntry {
  /** Where it is. */
  readonly path: string;
  /** Index into `classes`. */
  readonly target: number;
  /** Name of its class folder. */
  readonly label: string;
}

/**
 * A folder of class folders of pictures, read as torchvision's `ImageFolder` reads it: classes are the sub-folders
 * sorted by name; inside each, folders and files are visited sorted by path, links followed; files with another
 * extension than `.jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp` are left out.
 */
export class ImageFolder implements ImageDataset {
  private constructor(
    /** The folder, as given. */
    readonly root: string,
    /** Names of the class folders, sorted. */
    readonly classes: readonly string[],
    /** All pictures, in order. */
    readonly images: readonly ImageEntry[],
  ) {}

  /**
   * Lists the pictures; decodes none.
   * @throws SaevError `NOT_FOUND` when `root` is no folder, has no class folder, or a class folder has no picture.
   */
  static async open(root: string): Promise<ImageFolder> {
    const classes = (await list(root)).filter((e) => e.folder).map((e) => e.name);
    if (classes.length === 0) {
      throw new SaevError(
        "NOT_FOUND",
        `${root}: expected class folders with pictures inside (${root}/cat/1.jpg), found no folder`,
      );
    }
    const images: ImageEntry[] = [];
    const empty: string[] = [];
    for (const [target, label] of classes.entries()) {
      const before = images.length;
      for await (const file of pictureFiles(path.join(root, label)))
        images.push({ path: file, target, label });
      if (images.length === before) empty.push(label);
    }
    if (empty.length > 0) {
      throw new SaevError(
        "NOT_FOUND",
        `${root}: no pictures in ${empty.join(", ")}; remove the folder or fill it`,
      );
    }
    return new ImageFolder(root, classes, images);
  }

  /** Number of pictures. */
  get length(): number {
    return this.images.length;
  }

  where(i: number): string {
    return this.#entry(i).path;
  }

  async label(i: number): Promise<string> {
    return this.#entry(i).label;
  }

  async image(i: number): Promise<string> {
    return this.#entry(i).path;
  }

  #entry(i: number): ImageEntry {
    const entry = this.images[i];
    if (entry === undefined) throw new SaevError("INVALID_ARGUMENT", `${this.root}: there is no image ${i}`);
    return entry;
  }
}

/** Files of one folder before its sub-folders, folders in order of their paths: as `sorted(os.walk(…))` gives them. */
export async function* pictureFiles(root: string): AsyncGenerator<string> {
  const folders = await folderTree(root);
  folders.sort(byCodePoint((f) => f));
  for (const folder of folders) {
    for (const entry of await list(folder)) {
      if (!entry.folder && isImageName(entry.name)) yield path.join(folder, entry.name);
    }
  }
}

async function folderTree(root: string): Promise<string[]> {
  const found = [root];
  const open = [{ folder: root, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.depth > 64)
      throw new SaevError("IO", `${next.folder}: folders nest deeper than 64; a link points back?`);
    for (const entry of await list(next.folder)) {
      if (!entry.folder) continue;
      const folder = path.join(next.folder, entry.name);
      found.push(folder);
      open.push({ folder, depth: next.depth + 1 });
    }
  }
  return found;
}

async function list(folder: string): Promise<{ name: string; folder: boolean }[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const found = await Promise.all(
      entries.map(async (e) => ({
        name: e.name,
        folder: e.isDirectory() || (e.isSymbolicLink() && (await isFolder(path.join(folder, e.name)))),
      })),
    );
    return found.sort(byCodePoint((e) => e.name));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new SaevError("NOT_FOUND", `${folder}: there is no such folder`);
    if (code === "ENOTDIR") throw new SaevError("NOT_FOUND", `${folder}: expected a folder, found a file`);
    throw new SaevError("IO", `cannot list ${folder}: ${message.split(",")[0]}`, { cause: error });
  }
}

const isFolder = async (link: string) =>
  readdir(link).then(
    () => true,
    () => false,
  );
