import type { Dataset } from "@saev/config";
import { SaevError } from "../errors.js";
import { type ImageEntry, ImageFolder } from "./image-folder.js";

/** Pictures in a fixed order, with labels: what recording and galleries read. Each dataset kind implements it. */
export interface ImageDataset {
  /** Number of pictures. */
  readonly length: number;
  /** Names of the labels. */
  readonly classes: readonly string[];
  /** Where it is, for messages and to see whether it is still there. */
  readonly root: string;
  /** Picture `i`, 0 to `length` − 1. */
  readonly images: readonly ImageEntry[];
}

/**
 * Opens the dataset of a config; decodes nothing.
 * @throws SaevError `UNSUPPORTED` for kinds that this version cannot read, and as {@link ImageFolder.open}.
 */
export async function openDataset(config: Dataset): Promise<ImageDataset> {
  if (config.kind === "image-folder-dataset") return ImageFolder.open(config.root);
  throw new SaevError(
    "UNSUPPORTED",
    `data: ${config.kind} cannot be read by this version; use image-folder-dataset with a folder of class folders`,
  );
}
