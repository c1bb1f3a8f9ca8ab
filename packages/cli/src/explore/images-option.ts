import type { Dataset } from "@saev/config";
import { text } from "../argv/option.js";
import type { CommandLine } from "../argv/read.js";

/** Where the pictures are, for visuals that do not say it: those of the Python package. */
export const imagesOption = text(
  "images",
  "FOLDER",
  "the path of a folder",
  "Folder of folders of pictures that the activations were recorded from, where the visuals do not say.",
);

export function imagesOf(line: CommandLine): { readonly images?: Dataset } {
  const root = line.options.get("images") as string | undefined;
  return root === undefined ? {} : { images: { kind: "image-folder-dataset", root } };
}
