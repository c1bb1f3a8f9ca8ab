import path from "node:path";
import { SaevError } from "../errors.js";
import type { ImageDataset } from "../images/image-dataset.js";
import { byCodePoint } from "../images/order.js";
import { insideOf, within } from "./inside.js";
import { type ListRow, readList } from "./read-list.js";

export interface ListOptions {
  /** Folder that relative paths start from and no path may leave; empty for the list's own. */
  readonly base: string;
  /** Name of the column of paths; empty to find it. */
  readonly pathColumn: string;
  /** Name of the column of labels; empty to find it, or do without. */
  readonly labelColumn: string;
}

/**
 * Pictures by a list of their paths and labels: CSV or TSV with a head, JSON lines, or parquet. Paths are relative to the list's
 * folder, or to `base`; absolute ones count when they lie below it. Order is the list's.
 */
export class ListImages implements ImageDataset {
  private constructor(
    readonly root: string,
    readonly list: string,
    readonly classes: readonly string[],
    readonly rows: readonly ListRow[],
  ) {}

  /**
   * Reads the list, and no picture.
   * @throws SaevError `NOT_FOUND` when there is no list, `BAD_FILE` for a damaged one, for one without such columns, and for
   * paths that lead out of `base`; `UNSUPPORTED` for other kinds of file.
   */
  static async open(list: string, options: ListOptions): Promise<ListImages> {
    const root = options.base === "" ? path.dirname(list) : options.base;
    const rows = await readList(list, options);
    if (rows.length === 0) throw new SaevError("BAD_FILE", `${list}: expected paths of pictures, found none`);
    const top = path.resolve(root);
    for (const { file, at } of rows) {
      if (file !== "" && !file.includes("\0") && within(top, path.resolve(top, file))) continue;
      throw new SaevError(
        "BAD_FILE",
        `${list}, ${at}: the path ${JSON.stringify(file)} leads out of ${root}; set base to the folder that holds all pictures`,
      );
    }
    const labels = new Set(rows.map((row) => row.label).filter((label) => label !== ""));
    return new ListImages(root, list, [...labels].sort(byCodePoint((label) => label)), rows);
  }

  get length(): number {
    return this.rows.length;
  }

  where(i: number): string {
    return path.resolve(this.root, this.#row(i).file);
  }

  async label(i: number): Promise<string> {
    return this.#row(i).label;
  }

  async image(i: number): Promise<string> {
    const { file, at } = this.#row(i);
    return insideOf(this.root, file, `${this.list}, ${at}`);
  }

  #row(i: number): ListRow {
    const row = this.rows[i];
    if (row === undefined) throw new SaevError("INVALID_ARGUMENT", `${this.list}: there is no image ${i}`);
    return row;
  }
}
