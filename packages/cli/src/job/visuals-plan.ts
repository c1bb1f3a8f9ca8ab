import { existsSync } from "node:fs";
import {
  contactSheetsRoot,
  distributionsFpath,
  meanValuesFpath,
  percentilesFpath,
  sparsityFpath,
  topImgIFpath,
  topPatchIFpath,
  topValuesFpath,
  type Visuals,
  visualsRoot,
} from "@saev/config";
import { CommandError } from "../errors.js";
import { amount, pairs } from "../text.js";
import type { Outcome } from "./job.js";

/** Which files the visuals would be made from and which they would write. */
export async function planVisuals(cfg: Visuals): Promise<Outcome> {
  const { ShardFolder, openDataset } = await import("@saev/core");
  (await ShardFolder.open(cfg.data.shard_root)).requireComplete();
  mustBeThere("ckpt", cfg.ckpt, "an SAE's sae.pt; give it with --ckpt");
  if (cfg.images.kind === "image-folder-dataset")
    mustBeThere(
      "images.root",
      cfg.images.root,
      "a folder of images; give it with images:image-folder-dataset --images.root FOLDER",
    );
  else await openDataset(cfg.images, { onlyCached: "a dry run downloads none" });
  const root = visualsRoot(cfg);
  const files = [
    topValuesFpath,
    topImgIFpath,
    topPatchIFpath,
    meanValuesFpath,
    sparsityFpath,
    distributionsFpath,
    percentilesFpath,
    ...(cfg.contact_sheet ? [contactSheetsRoot] : []),
  ].map((fpath) => fpath(cfg));
  return {
    text: pairs([
      ["reads", cfg.ckpt],
      ["", cfg.data.shard_root],
      ["ranks", `${amount(cfg.top_k, "image")} a latent, by ${cfg.sort_by}`],
      [
        "shows",
        `at most ${amount(cfg.n_latents, "latent")}${cfg.include_latents.length > 0 ? `, and ${amount(cfg.include_latents.length, "latent")} in any case` : ""}`,
      ],
      ["folder", `${root}${existsSync(root) ? " (there already: its files are replaced)" : ""}`],
      ...files.map((file, i) => [i === 0 ? "files" : "", file] as const),
    ]),
    json: { root, exists: existsSync(root), files },
    paths: [root],
  };
}

function mustBeThere(field: string, file: string, what: string): void {
  if (!existsSync(file))
    throw new CommandError("NOT_FOUND", `${field}: nothing at ${file}; expected ${what}`);
}
