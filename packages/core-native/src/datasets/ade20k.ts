import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import type { ImageDataset } from "../images/image-dataset.js";
import { pictureFiles } from "../images/image-folder.js";
import { byCodePoint } from "../images/order.js";
import { insideOf } from "./inside.js";

/**
 * ADE20K as its scene parsing benchmark lays it out: `images/<split>/*.jpg`, for each its segmentation
 * `annotations/<split>/*.png` (grey, the number of a class, 0 for "none"), and `sceneCategories.txt` with a line `<name of the picture>
 * <scene>` each. Pictures are in order of their paths; labels are scenes.
 */
export class Ade20k implements ImageDataset {
  private constructor(
    readonly root: string,
    readonly split: "training" | "validation",
    readonly classes: readonly string[],
    readonly files: readonly string[],
    readonly scenes: ReadonlyMap<string, string>,
    segmentations: boolean,
  ) {
    if (segmentations) this.segmentation = (i) => this.#annotation(this.where(i));
  }

  /** Absent where the folder has no `annotations/<split>`. */
  readonly segmentation?: (i: number) => string;

  /**
   * Lists pictures and segmentations; decodes none.
   * @throws SaevError `NOT_FOUND` when the folder, `sceneCategories.txt`, pictures, or some of the segmentations are not there.
   */
  static async open(root: string, split: "training" | "validation"): Promise<Ade20k> {
    const folder = path.join(root, "images", split);
    const isThere = (p: string) =>
      stat(p).then(
        (s) => s.isDirectory(),
        () => false,
      );
    if (!(await isThere(folder))) {
      const parent =
        path.basename(path.resolve(root)) === "images"
          ? `; give its parent, ${path.dirname(path.resolve(root))}`
          : "";
      throw new SaevError(
        "NOT_FOUND",
        `${root}: expected ADE20K's images/${split}, found no such folder${parent}`,
      );
    }
    const files: string[] = [];
    for await (const file of pictureFiles(folder)) files.push(file);
    if (files.length === 0) throw new SaevError("NOT_FOUND", `${folder}: expected pictures, found none`);
    const scenes = await readScenes(await insideOf(root, "sceneCategories.txt", root));
    const classes = [...new Set(scenes.values())].sort(byCodePoint((name) => name));
    const annotated = await isThere(path.join(root, "annotations", split));
    const dataset = new Ade20k(root, split, classes, files, scenes, annotated);
    if (annotated) await dataset.#checkAnnotations();
    return dataset;
  }

  get length(): number {
    return this.files.length;
  }

  where(i: number): string {
    const file = this.files[i];
    if (file === undefined) throw new SaevError("INVALID_ARGUMENT", `${this.root}: there is no image ${i}`);
    return file;
  }

  async label(i: number): Promise<string> {
    return this.scenes.get(stem(this.where(i))) ?? "";
  }

  async image(i: number): Promise<string> {
    return this.where(i);
  }

  #annotation(file: string): string {
    const below = path.relative(path.join(this.root, "images"), file);
    return path.join(this.root, "annotations", path.dirname(below), `${stem(below)}.png`);
  }

  async #checkAnnotations(): Promise<void> {
    const there = new Set<string>();
    for await (const file of pictureFiles(path.join(this.root, "annotations", this.split))) there.add(file);
    const missing = this.files.map((file) => this.#annotation(file)).filter((file) => !there.has(file));
    if (missing.length === 0) return;
    const more = missing.length > 1 ? `, and ${missing.length - 1} more are missing` : "";
    throw new SaevError(
      "NOT_FOUND",
      `${missing[0]}: expected the segmentation of a picture, found none${more}; remove annotations/${this.split} to record without`,
    );
  }
}

const stem = (file: string): string => path.basename(file, path.extname(file));

async function readScenes(file: string): Promise<Map<string, string>> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    const found = error.code === "ENOENT" ? "no such file" : error.message.split(",")[0];
    throw new SaevError(
      "NOT_FOUND",
      `${file}: expected a line "<picture> <scene>" for each picture, found ${found}`,
    );
  });
  const scenes = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, scene] = /^(\S+)\s+(\S.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined) scenes.set(name, scene!);
  }
  return scenes;
}
