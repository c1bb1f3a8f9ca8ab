import path from "node:path";
import { table } from "../text.js";
import type { Info } from "./info.js";
import { type Kind, partsOf } from "./recognise.js";

const names: Readonly<Record<Kind, string>> = {
  "shard-folder": "shard folder",
  run: "run",
  visuals: "visuals",
  vit: "model",
  sae: "SAE",
  "tensor-file": "tensors",
  collection: "folder",
};

/** A folder of shard folders, runs, visuals or models: what it holds, one a line. */
export function collectionInfo(folder: string): Info {
  const parts = partsOf(folder);
  return {
    title: `folder of ${parts.length}`,
    lines: [["look at one with", `saev info ${path.join(folder, parts[0]!.name)}`]],
    below: table(
      ["name", "kind"],
      parts.map(({ name, kind }) => [name, names[kind]]),
    ),
    json: { kind: "collection", path: folder, parts },
  };
}
