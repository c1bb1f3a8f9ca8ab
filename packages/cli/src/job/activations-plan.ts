import { existsSync, statSync } from "node:fs";
import { type Activations, type Dataset, metadataOf, nImgs } from "@saev/config";
import { CommandError } from "../errors.js";
import { amount, bytes, count, pairs } from "../text.js";
import type { Outcome } from "./job.js";

/** What a recording would write, from its config, the model's and a count of files. */
export async function planActivations(given: Activations): Promise<Outcome> {
  const { files, pictures, labelled, where } = await imagesOf(given.data, given.protocol, "data");
  const { recordingFolder, resolveActivations } = await import("@saev/core");
  const cfg = await resolveActivations(given);
  const tokens = cfg.n_patches_per_img + (cfg.cls_token ? 1 : 0);
  const perImage = cfg.vit_layers.length * tokens;
  const imagesPerShard = Math.floor(cfg.n_patches_per_shard / cfg.vit_layers.length / tokens);
  if (imagesPerShard === 0) {
    throw new CommandError(
      "INVALID_ARGUMENT",
      `n_patches_per_shard: expected at least ${count(perImage)}, the activations of one image (${amount(cfg.vit_layers.length, "layer")} × ${amount(tokens, "token")}), found ${cfg.n_patches_per_shard}`,
    );
  }
  const { dir } = recordingFolder(cfg, metadataOf(cfg, files), pictures, labelled);
  const shards = Math.ceil(files / imagesPerShard);
  const size = shards * imagesPerShard * perImage * cfg.d_vit * (cfg.dtype === "float32" ? 4 : 2);
  const begun = existsSync(dir);
  return {
    text: `${pairs([
      ["images", where],
      [
        "model",
        `${cfg.vit_family} ${cfg.vit_ckpt}, ${amount(cfg.vit_layers.length, "layer")} (${cfg.vit_layers.join(", ")})`,
      ],
      [
        "tokens",
        `${amount(tokens, "token")} an image${cfg.cls_token ? ", CLS first" : ""}, ${count(cfg.d_vit)} values each`,
      ],
      [
        "writes",
        `${amount(shards, "shard file")} of ${amount(imagesPerShard, "image")}, ${bytes(size)} in all`,
      ],
      ...(cfg.n_parts > 1
        ? [
            [
              "part",
              `${cfg.part} of ${cfg.n_parts}, about ${amount(Math.ceil(shards / cfg.n_parts), "shard file")}`,
            ] as const,
          ]
        : []),
      ["folder", `${dir}${begun ? " (there already: what it holds is kept, the rest is added)" : ""}`],
    ])}`,
    json: {
      dir,
      exists: begun,
      files,
      tokens,
      layers: cfg.vit_layers,
      d_vit: cfg.d_vit,
      n_patches_per_img: cfg.n_patches_per_img,
      cls_token: cfg.cls_token,
      shards,
      images_per_shard: imagesPerShard,
      bytes: size,
      n_parts: cfg.n_parts,
      part: cfg.part,
    },
    paths: [dir],
  };
}

interface Images {
  /** Images that the document's metadata count: of an image folder, all files. */
  readonly files: number;
  /** Those that are recorded. */
  readonly pictures: number;
  /** Whether their patches get labels. */
  readonly labelled: boolean;
  readonly where: string;
}

/** How many images there are, and where; `field` of the config holds the dataset. */
export async function imagesOf(
  data: Dataset,
  protocol: Activations["protocol"],
  field: string,
): Promise<Images> {
  const folder = data.kind === "image-folder-dataset" ? data.root : undefined;
  if (folder !== undefined) mustBeFolder(folder, field);
  const files = folder === undefined ? undefined : await nImgs(data);
  if (files !== undefined && protocol === "document")
    return { files, pictures: files, labelled: false, where: `${amount(files, "file")} under ${folder}` };
  const { openDataset } = await import("@saev/core");
  const { length, root, segmentation } = await openDataset(data, { onlyCached: "a dry run downloads none" });
  return {
    files: files ?? length,
    pictures: length,
    labelled: segmentation !== undefined,
    where: `${amount(length, "image")} in ${root}`,
  };
}

function mustBeFolder(root: string, field: string): void {
  if (!existsSync(root)) {
    throw new CommandError(
      "NOT_FOUND",
      `${field}.root: expected a folder of images, found nothing at ${root}; give it with ${field}:image-folder-dataset --${field}.root FOLDER`,
    );
  }
  if (!statSync(root).isDirectory())
    throw new CommandError(
      "INVALID_ARGUMENT",
      `${field}.root: expected a folder of images, found a file: ${root}`,
    );
}
