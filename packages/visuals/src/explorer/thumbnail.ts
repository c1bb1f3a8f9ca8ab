import type { Transform } from "@saev/core";
import sharp, { type Sharp } from "sharp";
import { scaledTransform } from "../view.js";

/** Longest side of pictures that are made this way, in pixels. */
const largest = 160;

/**
 * A small picture of a JPEG as the model saw it: libjpeg decodes no more pixels than are needed, and one pipeline makes all of it, in a
 * third of the time of the exact way. It shows the same part of the picture, but not the same bytes: the filter is libvips' and
 * begins from a smaller picture.
 * @param bytes of a file. @param side of the square, in pixels.
 * @returns undefined where the exact way is to be taken: for other formats and colour spaces, larger pictures, cuts that are not
 * square.
 */
export async function thumbnail(
  bytes: Uint8Array,
  transform: Transform,
  side: number,
  maxPixels: number,
): Promise<Sharp | undefined> {
  const { mode, resizeWidth, resizeHeight, width, height } = scaledTransform(transform, side);
  if (side > largest || width !== side || height !== side) return undefined;
  if (mode === "longest" || (mode === "shortest" && resizeWidth !== resizeHeight)) return undefined;
  const size = jpegSize(bytes);
  if (!size || size.width * size.height > maxPixels) return undefined;
  // As native/image/transform.cc has it: the shorter side becomes what was asked for, the longer one in proportion, rounded down.
  const shorter = Math.min(size.width, size.height);
  const scaled = (pixels: number) => Math.floor((resizeWidth * pixels) / shorter);
  const whole =
    mode === "squash"
      ? { width: resizeWidth, height: resizeHeight }
      : { width: scaled(size.width), height: scaled(size.height) };
  if (whole.width < side || whole.height < side) return undefined;
  return sharp(bytes, { ignoreIcc: true, failOn: "truncated", limitInputPixels: false })
    .resize({ ...whole, fit: "fill", kernel: "cubic" })
    .extract({
      left: Math.round((whole.width - side) / 2),
      top: Math.round((whole.height - side) / 2),
      width: side,
      height: side,
    })
    .toColourspace("srgb");
}

/** Sizes of a JPEG with one or three colours, from its frame header (ISO/IEC 10918-1, B.2.2); undefined for anything else. */
export function jpegSize(bytes: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 10 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    // Filling before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const [height, width, colours] = [view.getUint16(at + 5), view.getUint16(at + 7), bytes[at + 9]];
      const read = width > 0 && height > 0 && (colours === 1 || colours === 3);
      return read ? { width, height } : undefined;
    }
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
