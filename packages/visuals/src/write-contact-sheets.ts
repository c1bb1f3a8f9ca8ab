import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Visuals } from "@saev/config";
import { type ImageDataset, makeFolder } from "@saev/core";
import sharp from "sharp";
import { contactSheetSvg, sheetImages } from "./contact-sheet.js";
import { eachAtOnce } from "./each-at-once.js";
import { Notes } from "./explorer/notes.js";
import { latentFolder } from "./latent-folder.js";
import { readNames } from "./names/names-file.js";
import type { Ranking } from "./ranking.js";
import { renderPng } from "./svg.js";
import { writeFileAtomic } from "./write-file.js";

/** Synced with the pictures, see `Staging.publish`. */
const later = { sync: false };

export interface ContactSheetsFrom {
  readonly cfg: Visuals;
  readonly rankings: readonly Ranking[];
  readonly sparsity: Float32Array;
  readonly meanValues: Float32Array;
  readonly maxValues: Float32Array;
  readonly images: ImageDataset;
  /** What a latent is called, where somebody or something named it. */
  readonly nameOf: (latent: number) => string | undefined;
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes `contact_sheets/<latent>.svg` and `.png` of every ranking, from the pictures that are drawn already
 * (`neurons/<latent>/<position>.png` in `folder`).
 */
export async function writeContactSheets(folder: string, from: ContactSheetsFrom): Promise<void> {
  const sheets = path.join(folder, "contact_sheets");
  makeFolder(sheets);
  await eachAtOnce(from.rankings, from, async (ranking) => {
    const svg = await sheetOf(folder, ranking, from);
    await writeFileAtomic(path.join(sheets, `${ranking.latent}.svg`), svg, later);
    await writeFileAtomic(
      path.join(sheets, `${ranking.latent}.png`),
      await renderPng(svg, sheetPixels),
      later,
    );
  });
}

/** Width of a sheet's PNG: 250 dots an inch at 180 mm. */
const sheetPixels = 1772;

async function sheetOf(folder: string, { latent, images, upper }: Ranking, from: ContactSheetsFrom) {
  const { cfg } = from;
  const shown = images.slice(0, sheetImages);
  const pictures = await Promise.all(
    shown.map(async ({ image, score }, position) => {
      const file = path.join(latentFolder(folder, latent), `${position}.png`);
      const jpeg = await sharp(file)
        .removeAlpha()
        .jpeg({ quality: 88, chromaSubsampling: "4:4:4" })
        .toBuffer();
      return {
        picture: `data:image/jpeg;base64,${jpeg.toString("base64")}`,
        label: await from.images.label(image),
        score,
      };
    }),
  );
  const { highlight_style: style } = cfg;
  return contactSheetSvg({
    latent,
    name: from.nameOf(latent),
    frequency: from.sparsity[latent]!,
    meanValue: from.meanValues[latent]!,
    maxValue: from.maxValues[latent]!,
    rows: cfg.sort_by === "cls" ? "images" : "patches",
    scale: cfg.sort_by === "cls" ? undefined : { upper, style },
    images: pictures,
  });
}

/**
 * Names of latents in an earlier visuals folder: a person's (`notes.json`), else the first that `saev names` found. None
 * where the folder was made of another checkpoint.
 */
export function namesIn(root: string, cfg: Visuals, dSae: number): (latent: number) => string | undefined {
  const none = () => undefined;
  const summary = path.join(root, "visuals.json");
  if (!existsSync(summary)) return none;
  try {
    const { config, working_directory } = JSON.parse(readFileSync(summary, "utf8"));
    if (path.resolve(working_directory, config.ckpt) !== path.resolve(cfg.ckpt)) return none;
    const notes = new Notes(path.join(root, "notes.json")).read();
    const words = readNames(root, dSae)?.latents;
    return (latent) => notes[latent]?.name || words?.[latent]?.[0]?.word;
  } catch {
    // Written by hand, or by another version: sheets do without names.
    return none;
  }
}
