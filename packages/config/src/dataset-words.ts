import { type Dataset, datasetSpecs } from "./dataset.js";

/**
 * The words that name a dataset on a command line, with the place to fill in: `data:ade20k-dataset --data.root FOLDER
 * --data.split validation`. For messages.
 * @param like a dataset of the kind that is meant, whose other fields are named too. Default: an image folder.
 */
export function datasetWords(like?: Dataset): string {
  const kind = like?.kind ?? "image-folder-dataset";
  const { fields } = datasetSpecs.find((spec) => spec.kind === kind)!;
  const [place, ...others] = Object.keys(fields);
  const values = (like ?? {}) as Readonly<Record<string, string>>;
  const set = others
    .filter((field) => (values[field] ?? "") !== "")
    .map((field) => ` --data.${field.replaceAll("_", "-")} ${values[field]}`);
  return `data:${kind} --data.${place} ${place === "root" ? "FOLDER" : place!.toUpperCase()}${set.join("")}`;
}
