import { SaevError } from "../errors.js";
import type { ParquetFile } from "./parquet-file.js";

/** Which columns of a parquet file hold pictures and labels. */
export interface ImageColumns {
  readonly image: string;
  readonly label: string | undefined;
  /** Names of the labels, when labels are numbers of classes. */
  readonly classes: readonly string[];
}

/** Names that a picture or a label goes by where no feature types say what it is. */
const imageNames = ["image", "img", "picture", "jpg", "png"];
export const labelNames = [
  "label",
  "labels",
  "fine_label",
  "class",
  "class_name",
  "category",
  "species",
  "cls",
  "target",
];

/**
 * Columns by the feature types that the `datasets` package leaves in the footer: the first Image, one called "image"
 * before others, and the first ClassLabel, one called "label" before others. Without feature types: the first struct of
 * `bytes` and `path`, or bytes called "image"; a label by its name.
 * @throws SaevError `BAD_FILE` when there is no picture.
 */
export function columnsOf(file: ParquetFile): ImageColumns {
  const features = featuresOf(file);
  const { columns } = file;
  const there = new Set(columns.map((c) => c.name));
  const ofType = (type: string, names: readonly string[]) =>
    byName(
      Object.keys(features).filter((name) => features[name]?._type === type && there.has(name)),
      names,
    );
  const image =
    ofType("Image", imageNames) ??
    byName(
      columns
        .filter((c) => c.fields.join() === "bytes,path" || c.fields.join() === "path,bytes")
        .map((c) => c.name),
      imageNames,
    ) ??
    columns.find((c) => c.binary && imageNames.includes(c.name))?.name;
  if (image === undefined) {
    throw new SaevError(
      "BAD_FILE",
      `${file.path}: expected a column of pictures (feature Image, or a struct of bytes and path), ` +
        `found the columns ${columns.map((c) => c.name).join(", ") || "none"}`,
    );
  }
  const label =
    ofType("ClassLabel", labelNames) ??
    labelNames.find(
      (name) => name !== image && columns.some((c) => c.name === name && c.fields.length === 0),
    );
  const names: unknown = label === undefined ? undefined : features[label]?.names;
  const classes = Array.isArray(names) ? names.map(String) : [];
  return { image, label, classes };
}

const byName = (among: readonly string[], names: readonly string[]): string | undefined =>
  names.find((name) => among.includes(name)) ?? among[0];

/** Feature by column; empty where the footer has none that can be read. */
function featuresOf(file: ParquetFile): Record<string, { _type?: unknown; names?: unknown } | undefined> {
  try {
    const { info } = JSON.parse(file.text("huggingface") ?? "{}") as { info?: { features?: object } };
    return (info?.features ?? {}) as ReturnType<typeof featuresOf>;
  } catch {
    return {};
  }
}
