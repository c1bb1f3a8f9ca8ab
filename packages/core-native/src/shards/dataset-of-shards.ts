import path from "node:path";
import { type Dataset, datasetOfRepr, datasetWords, Dataset as schema } from "@saev/config";
import { SaevError } from "../errors.js";
import { addon } from "../native/load.js";
import { unpickledText } from "./protocol21.js";
import type { ShardFolder } from "./shard-folder.js";

/**
 * The dataset that the metadata of a shard folder name: a repr in the document's layout; in protocol 2.1 a pickle, of such
 * a text where saev wrote it, of the config's class where the Python package did. That is read as data: the class by name,
 * and its fields. A recording that `saev convert` brought into the document's layout keeps the pickle where it
 * names no dataset that is read here.
 * @returns why it is not known, in words, where the metadata do not say or nothing here reads such a dataset.
 */
export function datasetOfShards({
  metadata,
  protocol21,
}: Pick<ShardFolder, "metadata" | "protocol21">): { readonly dataset: Dataset } | { readonly why: string } {
  const { data } = protocol21 ?? metadata;
  const repr = unpickledText(data) ?? data;
  const dataset = datasetOfRepr(repr);
  if (dataset !== undefined) return { dataset };
  // Base64 has no parentheses, and a repr does.
  if (repr !== data || data.includes("(")) return { why: `no dataset is known by ${shown(repr)}` };
  return ofPickle(data, protocol21?.dataset);
}

/** @param root the path of the dataset as metadata.json says it beside the pickle. */
function ofPickle(data: string, root: string | undefined): ReturnType<typeof datasetOfShards> {
  let name: string;
  let fields: ReadonlyMap<string, string>;
  try {
    const config = addon().readPickledConfig(Buffer.from(data, "base64"), "the pickle of the dataset");
    name = config.name;
    fields = new Map(config.fields);
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) };
  }
  const place = fields.get("root") ?? root ?? "";
  const value = ofPython(name, fields, place);
  const parsed = value && schema.safeParse(value);
  if (parsed?.success) return { dataset: parsed.data };
  return {
    why: `it is ${name.slice(0, 80)}(${shown(place)}) of the Python package, which is no dataset here`,
  };
}

/** What the Python package's classes of March 2026 and October 2025 are here. */
function ofPython(name: string, fields: ReadonlyMap<string, string>, root: string): object | undefined {
  const split = fields.get("split");
  switch (name) {
    case "Imagenet":
    case "Cifar10":
      return { kind: "imagenet-dataset", name: fields.get("name"), split };
    case "ImgFolder":
      // A pattern there names several folders, in no order that can be told.
      return /[*?[]/.test(root) ? undefined : { kind: "image-folder-dataset", root };
    case "ImgSegFolder":
      // ADE20K's own layout until 2025; then any pictures with annotations, whose labels are in a table.
      if (fields.has("img_label_fname")) return { kind: "ade20k-dataset", root, split };
      return split === undefined
        ? undefined
        : { kind: "glob-dataset", pattern: path.join(root, "images", split) };
    default:
      return undefined;
  }
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 80));

/** @throws SaevError `UNSUPPORTED` with the words that name it, where {@link datasetOfShards} knows none. */
export function requireDatasetOfShards(folder: ShardFolder): Dataset {
  const found = datasetOfShards(folder);
  if ("dataset" in found) return found.dataset;
  throw new SaevError(
    "UNSUPPORTED",
    `metadata.json does not tell which pictures were recorded (${found.why}); name them: ${datasetWords()}, or another dataset as \`saev activations\` takes them`,
  );
}
