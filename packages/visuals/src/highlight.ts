import { type Pixels, resizeImage, type Transform } from "@saev/core";
import { type OverlayOptions, opaque, overlay, type RgbaPixels } from "./overlay.js";
import { plasmaBytes, plasmaIndex } from "./plasma.js";
import { viewOf, viewSize } from "./view.js";

/**
 * How a picture shows where a latent fires.
 * - `overlay`: the Python package's heat map, to the byte.
 * - `contour`: the picture as it is, with a line around the patches of at least half the picture's largest value.
 * - `crop`: the part around those patches, enlarged, without any drawing.
 * - `mask`: grey and dark where the latent is silent; the larger its value, the more of the picture's own colour.
 */
export type HighlightStyle = "overlay" | "contour" | "crop" | "mask";

/** What all highlights of one picture are made from, each made once. */
export interface HighlightGround {
  /** What the model saw, RGB. */
  readonly view: Pixels;
  /** Its opaque copy. */
  readonly base: RgbaPixels;
  /** For `crop`: the same with {@link cropDetail} times the pixels a side. */
  readonly detail?: Pixels | undefined;
}

/** How many times larger than the view the picture is that crops are cut from. */
export const cropDetail = 3;

/** @param picture as decoded. @param transform the recorded model's. */
export async function groundOf(
  picture: Pixels,
  transform: Transform,
  style: HighlightStyle,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<HighlightGround> {
  const view = await viewOf(picture, transform, options);
  const detail =
    style === "crop"
      ? await viewOf(picture, transform, { ...options, side: cropDetail * viewSize })
      : undefined;
  return { view, base: opaque(view), detail };
}

/** Draws one latent's values on a picture. @param values one a patch, row by row from the top left. */
export async function highlight(
  ground: HighlightGround,
  values: Float32Array,
  style: HighlightStyle,
  {
    upper,
    into,
    signal,
  }: Pick<OverlayOptions, "upper" | "into"> & { readonly signal?: AbortSignal | undefined },
): Promise<Pixels | RgbaPixels> {
  switch (style) {
    case "overlay":
      return overlay(ground.base, values, { upper, into });
    case "contour":
      return contour(ground.base, values, { upper });
    case "mask":
      return mask(ground.base, values, { upper });
    case "crop":
      return crop(ground.detail ?? ground.view, values, { signal });
  }
}

/** Fraction of a picture's largest value from which on a patch belongs to what is outlined or cut out. */
const inside = 0.5;

/** The patches of at least half the largest value; none when no value is above 0. */
function strongest(values: Float32Array): boolean[] {
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  return Array.from(values, (v) => v > 0 && v >= inside * largest);
}

/** Squares a side of the grid, as in {@link overlay}. */
const sideOf = (values: Float32Array) => Math.trunc(Math.sqrt(values.length));

/** Half the line's width and of the dark rim around it, in pixels of a picture of {@link viewSize}. */
const line = 2;
const rim = 1.5;

/**
 * A line around the patches of at least half the picture's largest value, along their edges. Its colour is the heat
 * map's for that largest value, so that pictures of one latent can be compared; a dark rim keeps it visible on any ground.
 */
export function contour(picture: RgbaPixels, values: Float32Array, { upper }: { upper: number }): RgbaPixels {
  const { width, height } = picture;
  const data = picture.data.slice();
  const side = sideOf(values);
  const shown = strongest(values);
  if (side === 0 || !shown.includes(true)) return { width, height, data };
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  const at = upper > 0 ? Math.max(0, plasmaIndex(largest / upper)) : 255;
  const colour = plasmaBytes(at);
  const [w, h] = [width / side, height / side];
  const scale = Math.max(width, height) / viewSize;
  const [inner, outer] = [line * scale, (line + rim) * scale];
  const isIn = (column: number, row: number) =>
    column >= 0 && row >= 0 && column < side && row < side && shown[row * side + column]!;
  // The outside of the grid counts as silent: an edge of the picture is an edge of the region. It is drawn inside.
  const edges: { x1: number; y1: number; x2: number; y2: number }[] = [];
  const within = (v: number, end: number) => Math.min(end - outer, Math.max(outer, v));
  const edge = (x1: number, y1: number, x2: number, y2: number) =>
    edges.push({
      ...{ x1: within(x1 * w, width), y1: within(y1 * h, height) },
      ...{ x2: within(x2 * w, width), y2: within(y2 * h, height) },
    });
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      if (!isIn(column, row)) continue;
      if (!isIn(column, row - 1)) edge(column, row, column + 1, row);
      if (!isIn(column, row + 1)) edge(column, row + 1, column + 1, row + 1);
      if (!isIn(column - 1, row)) edge(column, row, column, row + 1);
      if (!isIn(column + 1, row)) edge(column + 1, row, column + 1, row + 1);
    }
  }
  // First all rims, then all lines, so that no rim crosses a line.
  for (const [reach, rgb] of [
    [outer, [16, 16, 16]],
    [inner, colour],
  ] as const) {
    for (const { x1, y1, x2, y2 } of edges) {
      const [left, right] = [Math.max(0, x1 - reach), Math.min(width, x2 + reach)].map(Math.round) as [
        number,
        number,
      ];
      const [top, bottom] = [Math.max(0, y1 - reach), Math.min(height, y2 + reach)].map(Math.round) as [
        number,
        number,
      ];
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) data.set(rgb, 4 * (y * width + x));
      }
    }
  }
  return { width, height, data };
}

/** Brightness that is left where a latent is silent. */
export const dimmed = 0.35;

/**
 * Grey and dark where the latent is silent, the picture's own colours where it has its largest value `upper`, between
 * them by the square root of the value, so that weak patches can still be seen.
 */
export function mask(picture: RgbaPixels, values: Float32Array, { upper }: { upper: number }): RgbaPixels {
  const { width, height } = picture;
  const data = new Uint8Array(picture.data.length).fill(255);
  const side = sideOf(values);
  const weights = Array.from(values, (v) => (v > 0 && upper > 0 ? Math.sqrt(Math.min(1, v / upper)) : 0));
  for (let y = 0; y < height; y++) {
    const row = Math.min(side - 1, Math.floor((y * side) / height));
    for (let x = 0; x < width; x++) {
      const column = Math.min(side - 1, Math.floor((x * side) / width));
      const weight = side === 0 ? 0 : weights[row * side + column]!;
      const i = 4 * (y * width + x);
      const [r, g, b] = [picture.data[i]!, picture.data[i + 1]!, picture.data[i + 2]!];
      // Luma of Rec. 601, as Pillow's "L".
      const grey = dimmed * (0.299 * r + 0.587 * g + 0.114 * b);
      data[i] = grey + weight * (r - grey) + 0.5;
      data[i + 1] = grey + weight * (g - grey) + 0.5;
      data[i + 2] = grey + weight * (b - grey) + 0.5;
    }
  }
  return { width, height, data };
}

/** A square of a picture, in fractions of its sides. */
export interface CropBox {
  readonly left: number;
  readonly top: number;
  readonly size: number;
}

/** Least side of a crop, in fractions of the picture: much less is a handful of pixels of most pictures. */
const smallest = 0.25;

/**
 * The square around the patches of at least half the largest value that lie together with the strongest one (by edge or
 * corner), with half a patch around it, inside the picture.
 */
export function cropBox(values: Float32Array): CropBox {
  const side = sideOf(values);
  const shown = strongest(values);
  if (side === 0 || !shown.includes(true)) return { left: 0, top: 0, size: 1 };
  const seen = new Set<number>([values.indexOf(values.reduce((a, b) => Math.max(a, b)))]);
  let [left, right, top, bottom] = [side, -1, side, -1];
  // A set yields what is added while it is walked.
  for (const patch of seen) {
    const [column, row] = [patch % side, Math.floor(patch / side)];
    [left, right] = [Math.min(left, column), Math.max(right, column)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    for (let r = Math.max(0, row - 1); r <= Math.min(side - 1, row + 1); r++) {
      for (let c = Math.max(0, column - 1); c <= Math.min(side - 1, column + 1); c++) {
        if (shown[r * side + c]) seen.add(r * side + c);
      }
    }
  }
  const size = Math.min(1, Math.max(smallest, (Math.max(right - left, bottom - top) + 2) / side));
  const start = (from: number, to: number) =>
    Math.min(1 - size, Math.max(0, (from + to + 1) / 2 / side - size / 2));
  return { left: start(left, right), top: start(top, bottom), size };
}

/** {@link cropBox} of a picture, enlarged to {@link viewSize}. @param picture square, RGB. */
async function crop(
  picture: Pixels,
  values: Float32Array,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<Pixels> {
  const box = cropBox(values);
  const size = Math.max(1, Math.round(box.size * picture.width));
  const left = Math.min(picture.width - size, Math.round(box.left * picture.width));
  const top = Math.min(picture.height - size, Math.round(box.top * picture.height));
  const data = new Uint8Array(3 * size * size);
  for (let y = 0; y < size; y++) {
    const from = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(from, from + 3 * size), 3 * y * size);
  }
  return resizeImage(
    { data, width: size, height: size },
    { width: viewSize, height: viewSize },
    "bicubic",
    options,
  );
}
