import { callAsync, type LongCallOptions } from "../native/call.js";
import { addon } from "../native/load.js";
import type { Pixels } from "./pixels.js";
import type { Filter, Transform } from "./transform.js";

/**
 * Resizes to `width` × `height`, to the byte as Pillow's `Image.resize((width, height), filter)` does.
 * @throws SaevError `INVALID_ARGUMENT` for sizes outside 1 to 16384, `SHAPE_MISMATCH` when data and sizes disagree.
 */
export async function resizeImage(
  image: Pixels,
  size: { readonly width: number; readonly height: number },
  filter: Filter = "bicubic",
  options?: LongCallOptions,
): Promise<Pixels> {
  const data = await callAsync(options, (control) =>
    addon().resizeImage(image, size.height, size.width, filter, control),
  );
  return { data, width: size.width, height: size.height };
}

/**
 * What a model sees of a picture, still as bytes: resized and cut as `transform` says, not normalised.
 * @returns `transform.width` × `transform.height` pixels.
 */
export async function cropImage(
  image: Pixels,
  transform: Transform,
  options?: LongCallOptions,
): Promise<Pixels> {
  const data = await callAsync(options, (control) => addon().cropImage(image, transform, control));
  return { data, width: transform.width, height: transform.height };
}
