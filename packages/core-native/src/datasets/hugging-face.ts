import { stat } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { type DatasetFiles, type DatasetOptions, datasetFiles } from "../hub/dataset-files.js";
import { parseDatasetReference } from "../hub/dataset-reference.js";
import type { ImageDataset } from "../images/image-dataset.js";
import { columnsOf, type ImageColumns } from "./features.js";
import { insideOf } from "./inside.js";
import { ParquetFile, type Row } from "./parquet-file.js";
import { splitFiles, splitOfRepository } from "./split-files.js";

/** Rows of one row group. */
interface Group {
  readonly file: ParquetFile;
  /** First row, within the file and within the dataset. */
  readonly inFile: number;
  readonly first: number;
  readonly rows: number;
}

/** Row groups of pictures kept: what the batches at work lie in. */
const kept = 3;

/**
 * An image dataset of the Hugging Face hub in parquet files. Opening reads the files' footers. A row group is read when one
 * of its pictures is asked for, and the last three are kept, so memory holds three row groups however large the dataset is.
 */
export class HuggingFaceImages implements ImageDataset {
  readonly #pictures: RowGroups;
  readonly #labels: RowGroups;

  private constructor(
    readonly root: string,
    readonly length: number,
    readonly columns: ImageColumns,
    groups: readonly Group[],
  ) {
    this.#pictures = new RowGroups(groups, [columns.image], kept);
    this.#labels = new RowGroups(groups, columns.label === undefined ? [] : [columns.label], 64);
  }

  /**
   * @param name a folder of parquet files, or a dataset of the hub, which is downloaded unless it is in its cache.
   * @throws SaevError as {@link parquetOfHub}; `NOT_FOUND` for names of nothing and splits that are not there; `BAD_FILE` for damaged files and
   * files without pictures, or with other columns than the first has.
   */
  static async open(name: string, split: string, options: DatasetOptions = {}): Promise<HuggingFaceImages> {
    const isFolder = await stat(name).then(
      (s) => s.isDirectory(),
      () => false,
    );
    const { root, files: paths } = isFolder
      ? { root: name, files: await splitFiles(name, split) }
      : await parquetOfHub(name, split, options);
    const files = await eachOf(paths, 8, (file) => ParquetFile.open(file));
    const columns = columnsOf(files[0]!);
    const groups: Group[] = [];
    let length = 0;
    for (const file of files) {
      const others = file === files[0] ? columns : columnsOf(file);
      if (others.image !== columns.image || others.label !== columns.label) {
        throw new SaevError(
          "BAD_FILE",
          `${file.path}: expected the columns ${columns.image} and ${columns.label ?? "no label"} of ${files[0]!.path}, ` +
            `found ${others.image} and ${others.label ?? "no label"}`,
        );
      }
      let inFile = 0;
      for (const rows of file.groups) {
        if (rows > 0) groups.push({ file, inFile, first: length, rows });
        inFile += rows;
        length += rows;
      }
    }
    return new HuggingFaceImages(root, length, columns, groups);
  }

  get classes(): readonly string[] {
    return this.columns.classes;
  }

  where(i: number): string {
    const { file, inFile, first } = this.#pictures.groupOf(i);
    return `${file.path}#${inFile + i - first}`;
  }

  async label(i: number): Promise<string> {
    if (this.columns.label === undefined) return "";
    const value = (await this.#labels.row(i))[this.columns.label];
    if (value === undefined || value === null) return "";
    if (this.classes.length === 0) return value instanceof Uint8Array ? utf8(value) : String(value);
    // −1 stands for a label that is kept secret, as in the test split of ImageNet.
    return this.classes[Number(value)] ?? "";
  }

  async image(i: number): Promise<string | Uint8Array> {
    const value = (await this.#pictures.row(i))[this.columns.image];
    if (value instanceof Uint8Array) return value;
    const { bytes, path: file } = (value ?? {}) as { bytes?: unknown; path?: unknown };
    if (bytes instanceof Uint8Array && bytes.length > 0) return bytes;
    const name = file instanceof Uint8Array ? utf8(file) : file;
    if (typeof name === "string" && name !== "") {
      const beside = path.resolve(path.dirname(this.#pictures.groupOf(i).file.path), name);
      return insideOf(this.root, beside, this.where(i));
    }
    throw new SaevError("BAD_FILE", `${this.where(i)}: expected a picture, found none`);
  }
}

/** Where the hub keeps parquet files of datasets that are in other formats, or are split otherwise. */
const converted = "refs/convert/parquet";

/**
 * The parquet files of a split of a dataset of the hub: those of the repository, else those that the hub made of it.
 * @throws SaevError `NOT_FOUND` for what names no dataset, and as {@link datasetFiles}.
 */
export async function parquetOfHub(
  name: string,
  split: string,
  options: DatasetOptions = {},
): Promise<DatasetFiles> {
  const reference = parseDatasetReference(name);
  if (!reference) {
    throw new SaevError(
      "NOT_FOUND",
      `expected a folder of parquet files or a dataset of the hub such as ILSVRC/imagenet-1k, found ${JSON.stringify(name)}`,
    );
  }
  const choose = (names: readonly string[], root: string) => splitOfRepository(names, split, root);
  return datasetFiles(reference, ["main", converted], choose, {
    ...options,
    command: `saev download --dataset ${name} --split ${split}`,
  });
}

const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

/** Some columns, one row group at a time, the last `keep` of them in memory. */
class RowGroups {
  readonly #cache = new Map<Group, Promise<readonly Row[]>>();

  constructor(
    readonly groups: readonly Group[],
    readonly columns: readonly string[],
    readonly keep: number,
  ) {}

  groupOf(i: number): Group {
    let low = 0;
    let high = this.groups.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.groups[middle]!.first <= i) low = middle;
      else high = middle - 1;
    }
    const group = this.groups[low];
    if (group === undefined || !(i >= group.first && i < group.first + group.rows))
      throw new SaevError("INVALID_ARGUMENT", `there is no image ${i}`);
    return group;
  }

  async row(i: number): Promise<Row> {
    const group = this.groupOf(i);
    const { file, inFile, first, rows } = group;
    const reading = this.#cache.get(group) ?? file.read(this.columns, inFile, inFile + rows);
    // Last used, last out.
    this.#cache.delete(group);
    this.#cache.set(group, reading);
    for (const old of this.#cache.keys()) if (this.#cache.size > this.keep) this.#cache.delete(old);
    try {
      return (await reading)[i - first]!;
    } catch (error) {
      this.#cache.delete(group);
      throw error;
    }
  }
}

/** `work` on each of `items`, `n` at a time, results in order. */
async function eachOf<T, R>(items: readonly T[], n: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += n)
    results.push(...(await Promise.all(items.slice(from, from + n).map(work))));
  return results;
}
