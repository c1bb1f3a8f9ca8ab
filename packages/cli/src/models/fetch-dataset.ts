import { statSync } from "node:fs";
import type { DatasetOptions, DownloadProgress } from "@saev/core";
import { amount, bytes, pairs } from "../text.js";

/** How a download is followed. */
export interface DownloadSettings extends Pick<DatasetOptions, "signal" | "ssl" | "onNote"> {
  readonly onProgress: (progress: DownloadProgress) => void;
}

/** What a download says in the end. */
export interface Fetched {
  readonly folder: string;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Downloads what is missing of a split of parquet files, or of archives, and counts its images without reading them. */
export async function fetchDataset(name: string, split: string, options: DownloadSettings): Promise<Fetched> {
  const { openDataset, parquetOfHub, parseDatasetReference, tarsOfHub } = await import("@saev/core");
  const reference = parseDatasetReference(name);
  const isTar = reference !== undefined && /\.tar$|[*{[?]/.test(reference.path);
  const found = isTar ? await tarsOfHub(reference, options) : await parquetOfHub(name, split, options);
  const address = `hf://datasets/${name.replace(/^hf:(\/\/datasets\/)?/, "")}`;
  const images = await openDataset(
    isTar ? { kind: "webdataset-dataset", tars: address } : { kind: "imagenet-dataset", name, split },
    { onlyCached: "it was downloaded just now" },
  );
  const size = found.files.reduce((sum, file) => sum + statSync(file).size, 0);
  const record = isTar
    ? `data:webdataset-dataset --data.tars "${address}"`
    : `data:imagenet-dataset --data.name ${name} --data.split ${split}`;
  return {
    folder: found.root,
    text: pairs([
      [
        "dataset",
        `${name}${isTar ? "" : `, ${split}`}, ${found.downloaded > 0 ? "downloaded" : "already here"}, ${bytes(size)}`,
      ],
      ["images", `${amount(images.length, "image")} in ${amount(found.files.length, "file")}`],
      ["folder", found.root],
      ["commit", found.commit],
      ["record with", record],
    ]),
    json: {
      dataset: name,
      split: isTar ? null : split,
      fetched: found.downloaded > 0,
      folder: found.root,
      commit: found.commit,
      files: found.files.map((file) => ({ path: file, bytes: statSync(file).size })),
      images: images.length,
      classes: images.classes,
      record_with: record,
    },
  };
}
