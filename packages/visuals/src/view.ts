import { cropImage, type Pixels, resizeImage, type Transform } from "@saev/core";

/** Side of the square pictures that are drawn on, in pixels. */
export const viewSize = 448;

/**
 * What the Python package does to every picture that it draws: both sides to 512, the middle 448. Right for DINOv2; with
 * other models its heat maps lie beside their objects.
 */
export const legacyTransform: Transform = {
  ...{ mode: "squash", resizeHeight: 512, resizeWidth: 512, height: 448, width: 448, filter: "bicubic" },
  ...{ mean: [0, 0, 0], std: [1, 1, 1] },
};

/**
 * A model's preprocessing with a larger picture for its result: the same part of the picture, in the same shape, by the
 * same filter.
 * @param side of the result's longer side, in pixels. Sizes are rounded to whole pixels of it.
 */
export function scaledTransform(transform: Transform, side: number): Transform {
  const scale = side / Math.max(transform.width, transform.height);
  const size = (pixels: number) => Math.max(1, Math.round(pixels * scale));
  return {
    ...transform,
    resizeHeight: size(transform.resizeHeight),
    resizeWidth: size(transform.resizeWidth),
    height: size(transform.height),
    width: size(transform.width),
  };
}

/**
 * What a model saw of a picture, square: each patch of its grid lies over what it looked at.
 * @param picture as decoded.
 * @param transform the recorded model's, as `recordedTransform` gives it.
 * @param options `side`: of the result, in pixels; default 448.
 */
export async function viewOf(
  picture: Pixels,
  transform: Transform,
  {
    signal,
    side = viewSize,
  }: { readonly signal?: AbortSignal | undefined; readonly side?: number | undefined } = {},
): Promise<Pixels> {
  const view = await cropImage(picture, scaledTransform(transform, side), { signal });
  const square = view.width === side && view.height === side;
  return square ? view : resizeImage(view, { width: side, height: side }, transform.filter, { signal });
}
