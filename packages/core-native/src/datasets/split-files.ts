import { readdir } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { byCodePoint } from "../images/order.js";

/** Other words for a split in the names of files, as the `datasets` package knows them. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  train: ["training"],
  validation: ["valid", "val", "dev"],
  test: ["testing", "eval", "evaluation"],
};

/**
 * The parquet files of a split below a folder, in order: files whose name is the split or starts with it
 * (`train-00000-of-00004.parquet`), or that lie in a folder called so; those of `data/` before others. A folder whose files
 * name no split at all is its "train".
 * @throws SaevError `NOT_FOUND` when there are none, naming the splits that are there, or when one of a numbered series
 * (`-of-00004`) is missing.
 */
export async function splitFiles(root: string, split: string): Promise<string[]> {
  return chooseSplit(await parquetFiles(root), split, root).map((file) => path.join(root, file));
}

/**
 * The same for a dataset of the hub, among the names of its files. Of several configurations, each in a folder of its own, the
 * one called "default" is taken.
 * @param root names the dataset in messages.
 * @throws SaevError as {@link splitFiles}; `NOT_FOUND` for several configurations, naming them.
 */
export function splitOfRepository(names: readonly string[], split: string, root: string): string[] {
  const found = chooseSplit(names.filter(isParquet).sort(byCodePoint((name) => name)), split, root);
  const configs = [...new Set(found.map((file) => configOf(file)))];
  const config = configs.length === 1 ? configs[0]! : "default";
  if (!configs.includes(config)) {
    throw new SaevError(
      "NOT_FOUND",
      `${root}: the split "${split}" is in ${configs.length} configurations; name one: ${configs.map((name) => path.posix.join(root, name)).join(", ")}`,
    );
  }
  const files = found.filter((file) => configOf(file) === config);
  // The hub numbers what it converts from 0 and says nowhere how many there are.
  const numbers = files.map((file) => /(?:^|\/)(\d{4,})\.parquet$/.exec(file)?.[1]);
  const gap = numbers.findIndex((number, i) => number !== undefined && Number(number) !== i);
  if (gap < 0) return files;
  throw new SaevError(
    "NOT_FOUND",
    `${root}: expected number ${gap} of the files ${path.posix.dirname(files[gap]!)}/0000.parquet and so on, found ${path.posix.basename(files[gap]!)}; download the rest`,
  );
}

/** The folder that holds all splits of a configuration: "en" of `en/train/0000.parquet` and of `en/train-00000-of-00001.parquet`. */
function configOf(file: string): string {
  const folder = path.posix.dirname(file);
  const inSplit = /^\d/.test(path.posix.basename(file)) || path.posix.basename(folder) === splitOf(file);
  const config = inSplit && folder !== "data" ? path.posix.dirname(folder) : folder;
  return config === "." ? "" : config;
}

function chooseSplit(files: readonly string[], split: string, root: string): readonly string[] {
  for (const folder of ["data", ""]) {
    const here = files.filter((file) => folder === "" || file.startsWith(`${folder}/`));
    for (const name of [split, ...(aliases[split] ?? [])]) {
      const found = here.filter((file) => splitOf(file) === name);
      if (found.length > 0) return whole(root, found);
    }
  }
  const named = [...new Set(files.map(splitOf))];
  if (split === "train" && files.length > 0 && named.every((name) => name === undefined))
    return whole(root, files);
  const there = named.filter((name) => name !== undefined);
  const found =
    files.length === 0
      ? "none"
      : there.length === 0
        ? `files of no split, which are its "train"`
        : `the splits ${there.join(", ")}`;
  throw new SaevError(
    "NOT_FOUND",
    `${root}: expected parquet files of the split "${split}" (data/${split}-00000-of-00001.parquet), found ${found}`,
  );
}

/** "train" of `data/train-00000-of-00004.parquet`, `train.parquet` and `default/train/0000.parquet`. */
function splitOf(file: string): string | undefined {
  const name = path.posix.basename(file, ".parquet");
  const shard = /^(.+?)-\d+-of-\d+(-[0-9a-f]+)?$/.exec(name)?.[1] ?? /^(.+?)-\d+$/.exec(name)?.[1];
  if (shard !== undefined) return shard;
  const words = Object.entries(aliases).flatMap(([word, others]) => [word, ...others]);
  const start = /^[A-Za-z]+/.exec(name)?.[0];
  if (start !== undefined && words.includes(start)) return start;
  const folder = path.posix.basename(path.posix.dirname(file));
  if (/^\d/.test(name) && folder !== "." && folder !== "data") return folder;
  return words.includes(folder) ? folder : undefined;
}

const isParquet = (name: string): boolean =>
  name.endsWith(".parquet") && !name.split("/").some((part) => part.startsWith("."));

/** Paths of parquet files below `root`, "/" between folders, in Python's order. */
async function parquetFiles(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { recursive: true });
    return entries
      .map((name) => name.split(path.sep).join("/"))
      .filter(isParquet)
      .sort(byCodePoint((name) => name));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new SaevError("NOT_FOUND", `${root}: there is no such folder`);
    if (code === "ENOTDIR")
      throw new SaevError("NOT_FOUND", `${root}: expected a folder of parquet files, found a file`);
    throw new SaevError("IO", `cannot list ${root}: ${message.split(",")[0]}`, { cause: error });
  }
}

function whole(root: string, files: readonly string[]): readonly string[] {
  for (const file of files) {
    const [, before, , total, after] = /^(.*-)(\d+)-of-(\d+)((?:-[0-9a-f]+)?\.parquet)$/.exec(file) ?? [];
    if (before === undefined) continue;
    const count = files.filter((other) => other.startsWith(before) && other.includes(`-of-${total}`)).length;
    if (count !== Number(total)) {
      throw new SaevError(
        "NOT_FOUND",
        `${root}: expected ${Number(total)} files ${before}*-of-${total}${after}, found ${count}; download the rest`,
      );
    }
  }
  return files;
}
