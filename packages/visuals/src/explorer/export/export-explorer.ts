import { mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeFolder, SaevError } from "@saev/core";
import { asIoError, writeFileAtomic } from "../../write-file.js";
import type { Collection } from "../collection.js";
import { type Answer, type AnswersOptions, answers } from "./answers.js";
import { exportPage } from "./export-page.js";

export interface ExportOptions extends Pick<AnswersOptions, "latents" | "signal" | "onProgress"> {
  /** Images of each latent, from the best. Default 24. */
  readonly images?: number | undefined;
}

const defaultImages = 24;

/** Sides of the pictures of a folder and of a single file, in pixels. */
const folderSizes = [160, 448];
const fileSizes = [160];

/** Pictures are kept as they are; a page from disk reads everything else as a script. */
const isPicture = ({ address }: Answer) => address.endsWith(".webp");

/** `saevExport` of `page/src/data/exported.ts` reads this. */
const payload = ({ address, body }: Answer): string =>
  address.endsWith(".json") ? JSON.stringify(new TextDecoder().decode(body)) : JSON.stringify(base64(body));

const base64 = (body: Uint8Array) =>
  Buffer.from(body.buffer, body.byteOffset, body.length).toString("base64");

/**
 * The explorer's pages as a folder that opens from disk: `index.html`, `data/` and `pictures/`. Gathered beside its place and
 * moved there at the end.
 * @param out must not be there, or be empty.
 * @returns the path of `index.html`.
 * @throws SaevError `INVALID_ARGUMENT` when something is in the way, `IO`.
 */
export async function exportFolder(
  collection: Collection,
  out: string,
  options: ExportOptions = {},
): Promise<string> {
  if ((await readdir(out).catch(() => [])).length > 0) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${out}: expected a new or an empty folder, found one with files in it`,
    );
  }
  makeFolder(path.dirname(path.resolve(out)));
  const staging = await mkdtemp(`${path.resolve(out)}.partial.`);
  try {
    for await (const answer of answers(collection, all(options, folderSizes))) {
      const picture = isPicture(answer);
      const file = path.join(
        staging,
        picture ? "pictures" : "data",
        `${answer.address}${picture ? "" : ".js"}`,
      );
      const content = picture
        ? answer.body
        : `saevExport.take(${JSON.stringify(answer.address)},${payload(answer)})\n`;
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    const script = `window.saevExport = { sizes: ${JSON.stringify(folderSizes)}, files: {} };`;
    await writeFileAtomic(path.join(staging, "index.html"), exportPage(collection.title, script));
    options.signal?.throwIfAborted();
    await rm(out, { recursive: true, force: true });
    await rename(staging, out).catch((error) => {
      throw asIoError(error, `cannot move ${staging} into place`);
    });
    return path.join(out, "index.html");
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * The same as one HTML file with everything inside; pictures at 160 pixels.
 * @throws SaevError `IO`.
 */
export async function exportFile(
  collection: Collection,
  file: string,
  options: ExportOptions = {},
): Promise<string> {
  makeFolder(path.dirname(path.resolve(file)));
  const temporary = `${path.resolve(file)}.partial.${process.pid}`;
  const script = `window.saevExport = { sizes: ${JSON.stringify(fileSizes)}, files: {SAEV-FILES} };`;
  const [head, tail] = exportPage(collection.title, script).split("SAEV-FILES");
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.write(head!);
      for await (const answer of answers(collection, all(options, fileSizes))) {
        await handle.write(
          `${JSON.stringify(answer.address)}:${payload(answer).replaceAll("<", "\\u003c")},\n`,
        );
      }
      await handle.write(tail!);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    if (error instanceof SaevError || (error as Error).name === "AbortError") throw error;
    throw asIoError(error, `cannot write ${file}`);
  } finally {
    await rm(temporary, { force: true });
  }
  return file;
}

const all = (options: ExportOptions, sizes: readonly number[]): AnswersOptions => ({
  ...options,
  images: options.images ?? defaultImages,
  sizes,
});
