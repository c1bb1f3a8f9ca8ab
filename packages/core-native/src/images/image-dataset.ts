import { type Dataset, nImgs } from "@saev/config";
import type { DatasetOptions } from "../hub/dataset-files.js";

/** Pictures in a fixed order, with labels: what recording and galleries read. Each dataset kind implements it. */
export interface ImageDataset {
  /** Number of pictures. */
  readonly length: number;
  /** Names of the labels; empty where labels are free text or there are none. */
  readonly classes: readonly string[];
  /** The file or folder that it lies in: paths of pictures are below it, and while it is gone, so are they. */
  readonly root: string;
  /** Where picture `i`, 0 to `length` − 1, is: a path, or a file and a place in it (`train.parquet#17`). For messages. */
  where(i: number): string;
  /** Label of picture `i`; empty when it has none. */
  label(i: number): Promise<string>;
  /** Picture `i` as the path of its file, or as the bytes of one. */
  image(i: number): Promise<string | Uint8Array>;
  /** Path of the segmentation of picture `i`, a grey picture of class numbers, for datasets that have them. */
  readonly segmentation?: (i: number) => string;
}

/**
 * Opens the dataset of a config; decodes nothing. Of a dataset of the hub, what is not here is downloaded.
 * @throws SaevError as the `open` of its kind.
 */
export async function openDataset(config: Dataset, options: DatasetOptions = {}): Promise<ImageDataset> {
  switch (config.kind) {
    case "image-folder-dataset":
      return (await import("./image-folder.js")).ImageFolder.open(config.root);
    case "imagenet-dataset":
      return (await import("../datasets/hugging-face.js")).HuggingFaceImages.open(
        config.name,
        config.split,
        options,
      );
    case "ade20k-dataset":
      return (await import("../datasets/ade20k.js")).Ade20k.open(config.root, config.split);
    case "webdataset-dataset":
      return (await import("../datasets/web-dataset.js")).WebDataset.open(config.tars, options);
    case "list-dataset": {
      const { list, base, path_column: pathColumn, label_column: labelColumn } = config;
      return (await import("../datasets/list.js")).ListImages.open(list, { base, pathColumn, labelColumn });
    }
    case "glob-dataset":
      return (await import("../datasets/glob.js")).GlobImages.open(config.pattern);
  }
}

/** Pictures `[from, to)` of a dataset, as one of its own. */
export function sliceOf(dataset: ImageDataset, from: number, to: number): ImageDataset {
  const { segmentation } = dataset;
  return {
    length: to - from,
    classes: dataset.classes,
    root: dataset.root,
    where: (i) => dataset.where(from + i),
    label: (i) => dataset.label(from + i),
    image: (i) => dataset.image(from + i),
    ...(segmentation && { segmentation: (i) => segmentation.call(dataset, from + i) }),
  };
}

/** Number of images that `metadata.json` states: pictures, but of an image folder all files, as the Python package counts. */
export const statedImages = async (config: Dataset, dataset: ImageDataset): Promise<number> =>
  config.kind === "image-folder-dataset" ? nImgs(config) : dataset.length;
