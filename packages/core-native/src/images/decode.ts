import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Metadata, Sharp } from "sharp";
import { SaevError } from "../errors.js";
import { decodeBmp } from "./bmp.js";
import { formatOf, isRead, notPictures, readFormats } from "./format.js";
import { firstGifFrame, paintAround } from "./gif.js";
import type { Pixels } from "./pixels.js";
import { decodePnm } from "./pnm.js";

export interface DecodeOptions {
  /** How errors name a picture that is given as bytes. Default: "the picture", or the path. */
  readonly name?: string;
  /** Pictures with more pixels are refused before their memory is taken. Default: {@link defaultMaxPixels}. */
  readonly maxPixels?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** 100 million, or what `SAEV_MAX_MEGAPIXELS` says. @throws SaevError `INVALID_ARGUMENT` when that is no number above 0. */
export function defaultMaxPixels(): number {
  const asked = process.env.SAEV_MAX_MEGAPIXELS;
  if (asked === undefined || asked === "") return 100_000_000;
  const pixels = Math.floor(Number(asked) * 1e6);
  if (Number.isSafeInteger(pixels) && pixels > 0) return pixels;
  throw new SaevError("INVALID_ARGUMENT", `SAEV_MAX_MEGAPIXELS: expected a number above 0, found ${asked}`);
}

/**
 * Loaded for the first picture: that takes a fifth of a second, and most that imports this package opens none. Pictures are seen
 * once: a cache would only hold memory. One libvips thread a picture, because several pictures are decoded at a time, each
 * on a thread of libuv's pool.
 */
const loadSharp = async () => {
  const { default: sharp } = await import("sharp");
  sharp.cache(false);
  sharp.concurrency(1);
  return sharp;
};
let loaded: ReturnType<typeof loadSharp> | undefined;

/**
 * Decodes a picture to exactly the bytes of Pillow's `Image.open(…).convert("RGB")`: alpha is dropped, not
 * blended; JPEG's EXIF rotation and all colour profiles are ignored; CMYK is converted by Pillow's plain
 * formula; of 16-bit colour the high byte is taken, and 16-bit grey is
 * clipped to 8 bits. JPEG, PNG, WebP, TIFF, GIF (first frame), AVIF, BMP, PNM. Runs on
 * libuv's threads.
 *
 * @param source a path, or the bytes of a file.
 * @throws SaevError `NOT_FOUND` or `IO` when the file cannot be read, `BAD_FILE` when it is no picture, is cut
 * short or is larger than `maxPixels`, `UNSUPPORTED` for kinds of a format that are not read.
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeOptions = {}): Promise<Pixels> {
  const what = options.name ?? (typeof source === "string" ? source : "the picture");
  const bytes = typeof source === "string" ? await read(source, what, options.signal) : source;
  const maxPixels = options.maxPixels ?? defaultMaxPixels();
  const checkSize = (width: number, height: number) => {
    if (width * height <= maxPixels) return;
    throw new SaevError(
      "BAD_FILE",
      `${what}: ${width} × ${height} pixels are more than the limit of ${maxPixels}; --max-megapixels (maxPixels) raises it`,
    );
  };
  if (bytes.length === 0) throw new SaevError("BAD_FILE", `${what}: the file is empty`);
  // Told here, so that only decoders of pictures see the bytes: libvips would draw SVG and more.
  const format = formatOf(bytes);
  if (format === undefined || !isRead(format)) throw unread(what, format);
  if (format === "BMP") return decodeBmp(bytes, what, checkSize);
  if (format === "PNM") return decodePnm(bytes, what, checkSize);
  // What keeps sharp from loading is no fault of the picture.
  loaded ??= loadSharp();
  const sharp = await loaded;
  try {
    // libvips complains on standard error of sizes that it cannot hold.
    if (format === "PNG" && bytes.length >= 24) {
      const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      checkSize(header.getUint32(16), header.getUint32(20));
    }
    const frame = format === "GIF" ? firstGifFrame(bytes) : undefined;
    const pixels = await decodeWithSharp(sharp, frame?.opaque ?? bytes, format, checkSize);
    if (frame) paintAround(pixels, frame);
    return pixels;
  } catch (error) {
    if (error instanceof SaevError) throw error;
    throw undecoded(what, format, error as Error);
  }
}

function unread(what: string, format: string | undefined): SaevError {
  if (format === undefined || notPictures.has(format)) {
    return new SaevError(
      "BAD_FILE",
      `${what}: expected a picture (${readFormats.join(", ")}), found ${format ?? "something else"}`,
    );
  }
  return new SaevError(
    "UNSUPPORTED",
    `${what}: ${format} is not read; save it as PNG (read are ${readFormats.join(", ")})`,
  );
}

function undecoded(what: string, format: string, cause: Error): SaevError {
  const reason = cause.message
    .split("\n")[0]!
    .replace(/^Input buffer/, "it")
    .slice(0, 200);
  // libvips has no loader for it, or its loader was built without this kind.
  if (/unsupported image format|not supported|unsupported (feature|codec)/i.test(reason))
    return new SaevError(
      "UNSUPPORTED",
      `${what}: this kind of ${format} is not read (${reason}); save it as PNG`,
      { cause },
    );
  return new SaevError("BAD_FILE", `${what}: cannot decode the picture (${format}): ${reason}`, { cause });
}

async function read(file: string, what: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readFile(file, { signal });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw new SaevError("NOT_FOUND", `${what}: there is no such file`, { cause: error });
    throw new SaevError("IO", `cannot read ${what}: ${message.split(",")[0]}`, { cause: error });
  }
}

async function decodeWithSharp(
  sharp: Awaited<ReturnType<typeof loadSharp>>,
  bytes: Uint8Array,
  format: string,
  checkSize: (width: number, height: number) => void,
): Promise<Pixels> {
  // "truncated" and not "warning": Pillow, too, reads files with harmless stray bytes.
  const image = sharp(bytes, { ignoreIcc: true, failOn: "truncated", limitInputPixels: false, pages: 1 });
  const meta = await image.metadata();
  checkSize(meta.width, meta.height);
  if (meta.space === "cmyk")
    return rgbOfCmyk(await raw(image.pipelineColourspace("cmyk").toColourspace("cmyk")));
  if (meta.depth === "ushort" && isGreyscale(bytes, format, meta))
    return rgbOfGrey16(await raw(image.toColourspace("grey16"), "ushort"));
  // Pillow turns TIFF files, and only those, as their orientation tag says.
  const upright = format === "TIFF" ? image.autoOrient() : image;
  return rgbOf(await raw(upright.removeAlpha().toColourspace("srgb")));
}

interface Raw {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

async function raw(image: Sharp, depth: "uchar" | "ushort" = "uchar"): Promise<Raw> {
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

function rgbOf({ data, width, height, channels }: Raw): Pixels {
  if (channels !== 3) throw new SaevError("UNSUPPORTED", `a picture with ${channels} channels`);
  return { data, width, height };
}

/** Grey without an alpha channel of its own. (A PNG's transparent grey value shows up as one, and is none.) */
const isGreyscale = (bytes: Uint8Array, format: string, meta: Metadata): boolean =>
  format === "PNG" ? bytes[25] === 0 : meta.channels === 1;

/** Pillow makes RGB of 16-bit grey by clipping, not by scaling: all values above 255 are white. */
function rgbOfGrey16({ data, width, height, channels }: Raw): Pixels {
  const values = new Uint16Array(data.buffer, data.byteOffset, width * height * channels);
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) out.fill(Math.min(255, values[i * channels]!), 3 * i, 3 * i + 3);
  return { data: out, width, height };
}

/** Pillow's CMYK to RGB: K is taken from 255 and each colour scaled by what is left, rounded as it rounds. */
function rgbOfCmyk({ data, width, height, channels }: Raw): Pixels {
  if (channels < 4) throw new SaevError("UNSUPPORTED", `a CMYK picture with ${channels} channels`);
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const left = 255 - data[i * channels + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = data[i * channels + c]! * left + 128;
      out[3 * i + c] = left - (((product >> 8) + product) >> 8);
    }
  }
  return { data: out, width, height };
}

/** Whether a file's name says that it is a picture: the extensions of torchvision's `ImageFolder`, any case. */
export const isImageName = (file: string): boolean => imageExtensions.has(path.extname(file).toLowerCase());

const imageExtensions: ReadonlySet<string> = new Set([
  ".jpg",
  ".jpeg",
  ".png",
  ".ppm",
  ".bmp",
  ".pgm",
  ".tif",
  ".tiff",
  ".webp",
]);
