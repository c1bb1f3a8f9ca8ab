import { readFile } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import { writeText } from "../io/write-text.js";
import { JsonReader } from "../vit/json-reader.js";

/** Our file in a shard folder: what was done to each picture before the model saw it. */
export const preprocessingFile = "preprocessing.json";

/** Of a picture on its way into a model, in pixels; as in native/image/transform.cc. */
const largestSide = 16384;

/** The members of the file: sizes are [height, width], the rest as in {@link Transform}. */
export function preprocessingOf(t: Transform): Readonly<Record<string, unknown>> {
  return {
    resize_mode: t.mode,
    resize: [t.resizeHeight, t.resizeWidth],
    crop: [t.height, t.width],
    interpolation: t.filter,
    mean: t.mean,
    std: t.std,
    reciprocal: t.reciprocal ?? false,
    crop_down: t.cropDown ?? false,
    unrounded: t.unrounded ?? false,
  };
}

export const preprocessingText = (transform: Transform): string =>
  `${JSON.stringify({ format: 1, ...preprocessingOf(transform) }, null, 2)}\n`;

/** Reads the text of a `preprocessing.json`. @throws SaevError `BAD_FILE` for anything the recorder does not write. */
export function parsePreprocessing(text: string, file: string): Transform {
  const root = JsonReader.parse(text, file);
  if (root.raw("format") !== 1)
    throw new SaevError(
      "BAD_FILE",
      `${file}: expected format 1, found ${JSON.stringify(root.raw("format"))}`,
    );
  const [resizeHeight, resizeWidth] = root.pair("resize", Number.NaN);
  const [height, width] = root.pair("crop", Number.NaN);
  const modes = ["shortest", "squash", "longest"] as const;
  const on = (key: string) => root.boolean(key, false);
  const none = [Number.NaN, Number.NaN, Number.NaN] as const;
  const mean = root.triple("mean", none);
  const std = root.triple("std", none);
  const fits = [resizeHeight, resizeWidth, height, width].every((side) => side <= largestSide);
  if (!fits || ![...mean, ...std].every(Number.isFinite) || !std.every((s) => s > 0))
    throw new SaevError(
      "BAD_FILE",
      `${file}: expected sizes up to ${largestSide}, finite means and standard deviations above 0`,
    );
  return {
    mode: root.choice<(typeof modes)[number]>("resize_mode", modes, "" as "squash"),
    ...{ resizeHeight, resizeWidth, height, width },
    filter: root.choice<Transform["filter"]>("interpolation", ["bicubic", "bilinear"], "" as "bicubic"),
    ...{ mean, std },
    ...(on("reciprocal") && { reciprocal: true }),
    ...(on("crop_down") && { cropDown: true }),
    ...(on("unrounded") && { unrounded: true }),
  };
}

/**
 * What a shard folder says of its pictures' preprocessing; undefined for folders without the file: those of the Python
 * package and of earlier versions.
 * @throws SaevError `BAD_FILE`, `IO`.
 */
export async function readPreprocessing(dir: string): Promise<Transform | undefined> {
  const file = path.join(dir, preprocessingFile);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new SaevError("IO", `cannot read ${file}: ${error.message}`, { cause: error });
  });
  return text === undefined ? undefined : parsePreprocessing(text, file);
}

/**
 * Writes the file into a folder that is being recorded, unless it says the same already.
 * @param begun whether the folder holds images.
 * @throws SaevError `INVALID_ARGUMENT` when images in the folder were prepared in another way; `BAD_FILE`, `IO`.
 */
export async function keepPreprocessing(dir: string, transform: Transform, begun: boolean): Promise<void> {
  const before = await readPreprocessing(dir);
  const text = preprocessingText(transform);
  if (before && preprocessingText(before) === text) return;
  if (before && begun) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${dir}: its pictures were prepared otherwise than the model does now (${preprocessingFile}): its files have changed ` +
        "since; record into another dump_to",
    );
  }
  await writeText(path.join(dir, preprocessingFile), text);
}
