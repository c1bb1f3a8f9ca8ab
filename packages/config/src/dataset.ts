import { type ConfigOf, choice, member, string } from "./fields.js";
import { ConfigError } from "./issues.js";
import { schemaOf, unionSchemaOf } from "./schema.js";

export const imagenetSpec = member(
  "ImagenetDataset",
  "imagenet-dataset",
  "ImageNet, or any image dataset in parquet files, of the Hugging Face hub.",
  {
    name: string(
      "data",
      "ILSVRC/imagenet-1k",
      "Dataset of the Hugging Face hub (org/name, org/name@revision, org/name/configuration), or a folder of its parquet files.",
    ),
    split: string("data", "train", 'Split to read; ImageNet-1K has "train", "validation" and "test".'),
  },
);

export const imageFolderSpec = member(
  "ImageFolderDataset",
  "image-folder-dataset",
  "A folder with one folder of images per class.",
  {
    root: string("data", "./data/split", "Folder that holds the class folders."),
  },
);

export const ade20kSpec = member(
  "Ade20kDataset",
  "ade20k-dataset",
  "The ADE20K scenes with their segmentations.",
  {
    root: string("data", "./data/ade20k", "Folder that holds images/ and annotations/."),
    split: choice("data", ["training", "validation"], "training", "Split to read."),
  },
);

export const webdatasetSpec = member(
  "WebdatasetDataset",
  "webdataset-dataset",
  "Tar archives of images with their labels, as WebDataset writes them.",
  {
    tars: string(
      "data",
      "./data/tars",
      "Folder with *.tar, a pattern such as data/{000..015}.tar, one archive, or those of the hub: hf://datasets/org/name/*.tar.",
    ),
  },
);

export const listSpec = member(
  "ListDataset",
  "list-dataset",
  "A list of images and their labels: CSV, TSV, JSON lines or parquet.",
  {
    list: string("data", "./data/images.csv", "The list: .csv, .tsv, .jsonl or .parquet."),
    base: string(
      "data",
      "",
      "Folder that relative paths start from and that no path may leave; empty for the list's own.",
    ),
    path_column: string(
      "data",
      "",
      'Column of paths; empty for one called "path", "file_name", "image" or the like.',
    ),
    label_column: string(
      "data",
      "",
      'Column of labels; empty for one called "label", "class" or the like, if any.',
    ),
  },
);

export const globSpec = member(
  "GlobDataset",
  "glob-dataset",
  "The images of one folder, or those that a pattern finds.",
  {
    pattern: string("data", "./data/images", "A folder, or a pattern such as photos/**/*.jpg."),
  },
);

/** The datasets, the default first; then those of the Python package, then ours. */
export const datasetSpecs = [
  imagenetSpec,
  imageFolderSpec,
  ade20kSpec,
  webdatasetSpec,
  listSpec,
  globSpec,
] as const;

export type ImagenetDataset = ConfigOf<typeof imagenetSpec>;
export const ImagenetDataset = schemaOf(imagenetSpec);

export type ImageFolderDataset = ConfigOf<typeof imageFolderSpec>;
export const ImageFolderDataset = schemaOf(imageFolderSpec);

export type Ade20kDataset = ConfigOf<typeof ade20kSpec>;
export const Ade20kDataset = schemaOf(ade20kSpec);

export type WebdatasetDataset = ConfigOf<typeof webdatasetSpec>;
export const WebdatasetDataset = schemaOf(webdatasetSpec);

export type ListDataset = ConfigOf<typeof listSpec>;
export const ListDataset = schemaOf(listSpec);

export type GlobDataset = ConfigOf<typeof globSpec>;
export const GlobDataset = schemaOf(globSpec);

export type Dataset = ConfigOf<(typeof datasetSpecs)[number]>;
export const Dataset = unionSchemaOf(datasetSpecs);

/** Images in each split of ADE20K, as the Python package counts them. */
const ade20kImages = { training: 20_210, validation: 2_000 } as const;

/**
 * Number of images that a dataset's `metadata.json` states.
 *
 * A folder counts every file below it, image or not, without following links to folders, because that is the
 * number in the hash that names a shard folder; a folder that is not there counts 0. It walks the whole tree:
 * keep the result. ADE20K has the constants of the Python package, which are the
 * number of its images where none is missing; a recording states the number of those that are there.
 * @throws ConfigError for the others, which must be opened: `openDataset(dataset)` of @saev/core has their `length`.
 */
export async function nImgs(dataset: Dataset): Promise<number> {
  switch (dataset.kind) {
    case "image-folder-dataset":
      return countFiles(Buffer.from(dataset.root));
    case "ade20k-dataset":
      return ade20kImages[dataset.split];
    default:
      throw new ConfigError("UNSUPPORTED", [
        {
          path: "data",
          expected: "a dataset that can be counted without opening it",
          found: dataset.kind,
          message: `data: the images of ${dataset.kind} are counted by opening it, which openDataset of @saev/core does`,
        },
      ]);
  }
}

/** Loaded by who counts: node:fs/promises brings the stream modules with it, which no other part needs. */
const fs = (): typeof import("node:fs/promises") => process.getBuiltinModule("node:fs/promises");

/** Paths are bytes here: a name that is not UTF-8 must still be entered and counted. */
async function countFiles(folder: Buffer): Promise<number> {
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(folder);
  } catch {
    return 0;
  }
  let n = 0;
  for (const entry of entries) {
    const path = Buffer.concat([folder, Buffer.from("/"), entry.name]);
    if (entry.isDirectory()) n += await countFiles(path);
    else if (!entry.isSymbolicLink() || !(await leadsToFolder(path))) n += 1;
  }
  return n;
}

const readEntries = (folder: Buffer) => fs().readdir(folder, { withFileTypes: true, encoding: "buffer" });

async function leadsToFolder(link: Buffer): Promise<boolean> {
  try {
    return (await fs().stat(link)).isDirectory();
  } catch {
    return false;
  }
}
