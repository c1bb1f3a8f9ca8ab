import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { type Activations, metadataHash, metadataOf, nImgs } from "@saev/config";
import { CommandError } from "../errors.js";
import { amount, bytes, count, pairs } from "../text.js";
import type { Outcome } from "./job.js";

/** What a recording would write, from its config, the model's and a count of files. */
export async function planActivations(given: Activations): Promise<Outcome> {
  const { files, where } = await imagesOf(given);
  const { resolveActivations } = await import("@saev/core");
  const cfg = await resolveActivations(given);
  const dir = path.join(cfg.dump_to, metadataHash(metadataOf(cfg, files)));
  const tokens = cfg.n_patches_per_img + (cfg.cls_token ? 1 : 0);
  const perImage = cfg.vit_layers.length * tokens;
  const imagesPerShard = Math.floor(cfg.n_patches_per_shard / cfg.vit_layers.length / tokens);
  if (imagesPerShard === 0) {
    throw new CommandError(
      "INVALID_ARGUMENT",
      `n_patches_per_shard: expected at least ${count(perImage)}, the activations of one image (${amount(cfg.vit_layers.length, "layer")} × ${amount(tokens, "token")}), found ${cfg.n_patches_per_shard}`,
    );
  }
  const shards = Math.ceil(files / imagesPerShard);
  const size = shards * imagesPerShard * perImage * cfg.d_vit * Float32Array.BYTES_PER_ELEMENT;
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
    },
    paths: [dir],
  };
}

/** How many images there are, and where. */
async function imagesOf({ data }: Activations): Promise<{ files: number; where: string }> {
  if (data.kind === "image-folder-dataset") {
    const { root } = data;
    mustBeFolder(root);
    const files = await nImgs(data);
    return { files, where: `${amount(files, "file")} under ${root}` };
  }
  const { openDataset } = await import("@saev/core");
  const { length, root } = await openDataset(data, { onlyCached: "a dry run downloads none" });
  return { files: length, where: `${amount(length, "image")} in ${root}` };
}

function mustBeFolder(root: string): void {
  if (!existsSync(root)) {
    throw new CommandError(
      "NOT_FOUND",
      `data.root: expected a folder of images, found nothing at ${root}; give it with data:image-folder-dataset --data.root FOLDER`,
    );
  }
  if (!statSync(root).isDirectory())
    throw new CommandError(
      "INVALID_ARGUMENT",
      `data.root: expected a folder of images, found a file: ${root}`,
    );
}
