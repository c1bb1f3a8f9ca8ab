import type { Pixels } from "@saev/core";
import { plasma, plasmaIndex } from "./plasma.js";

/** Pixels with an alpha channel: red, green, blue, alpha, row by row from the top left. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface OverlayOptions {
  /** The value that gets the last colour and the full opacity; usually the latent's largest among its top images. */
  readonly upper: number;
  /** Opacity at `upper`. Default {@link usualOpacity}. */
  readonly opacity?: number;
  /** Where the pixels of the result go: an array of so many bytes. Default: a new one. */
  readonly into?: ((bytes: number) => Uint8Array) | undefined;
}

/** The Python package's. */
export const usualOpacity = 0.9;

const f32 = Math.fround;

/** Red, green, blue and alpha of one patch. */
function colour(value: number, upper: number, opacity: number): readonly [number, number, number, number] {
  const at = plasmaIndex(f32(value / f32(upper + f32(1e-9))));
  const channel = (c: number) => (at < 0 ? 0 : Math.min(255, Math.trunc(plasma[3 * at + c]! * 256)));
  const alpha = Math.trunc(f32(f32(f32(f32(opacity) * value) / upper) * 256));
  return [channel(0), channel(1), channel(2), Math.min(255, Math.max(0, alpha || 0))];
}

/**
 * The heat map alone: a transparent layer of coloured squares, one a patch.
 *
 * The grid has `int(√patches)` squares a side, each of the image's size divided by it, rounded down. Each covers one
 * more row and column to the right and below than its size, until the next one is drawn over it, as the Python
 * package's rectangles do. Arithmetic is float32, as there.
 *
 * @param values one a patch, row by row from the top left.
 */
export function heatMap(
  width: number,
  height: number,
  values: Float32Array,
  { upper, opacity = usualOpacity }: OverlayOptions,
): RgbaPixels {
  const data = new Uint8Array(width * height * 4);
  const side = Math.trunc(Math.sqrt(values.length));
  if (side > 0) {
    const w = Math.floor(width / side);
    const h = Math.floor(height / side);
    for (let p = 0; p < values.length; p++) {
      const [r, g, b, a] = colour(values[p]!, f32(upper), opacity);
      const left = (p % side) * w;
      const top = Math.floor(p / side) * h;
      for (let y = top; y <= Math.min(top + h, height - 1); y++) {
        for (let x = left; x <= Math.min(left + w, width - 1); x++) {
          const at = 4 * (y * width + x);
          data[at] = r;
          data[at + 1] = g;
          data[at + 2] = b;
          data[at + 3] = a;
        }
      }
    }
  }
  return { width, height, data };
}

/** An opaque copy of a picture. */
export function opaque(picture: Pixels): RgbaPixels {
  const pixels = picture.width * picture.height;
  const data = new Uint8Array(4 * pixels).fill(255);
  for (let i = 0; i < pixels; i++) {
    data[4 * i] = picture.data[3 * i]!;
    data[4 * i + 1] = picture.data[3 * i + 1]!;
    data[4 * i + 2] = picture.data[3 * i + 2]!;
  }
  return { width: picture.width, height: picture.height, data };
}

/** One channel of a colour with `alpha` over an opaque ground: Pillow's `Image.alpha_composite`, 7 bits of fraction. */
function blend(over: number, under: number, alpha: number): number {
  const t = over * alpha * 128 + under * (255 - alpha) * 128 + (0x80 << 7);
  return ((t >> 8) + t) >> 15;
}

/** Lays `over` on an opaque picture of the same size. */
export function alphaComposite(under: RgbaPixels, over: RgbaPixels): RgbaPixels {
  const data = under.data.slice();
  for (let at = 0; at < data.length; at += 4) {
    const alpha = over.data[at + 3]!;
    if (alpha === 0) continue;
    for (let c = 0; c < 3; c++) data[at + c] = blend(over.data[at + c]!, data[at + c]!, alpha);
  }
  return { width: under.width, height: under.height, data };
}

/**
 * The picture with the heat map over it, to the byte as the Python package draws it (see {@link heatMap}), opaque.
 * @param picture RGB, or what {@link opaque} made of it once for many overlays.
 * @param values one a patch; none: the picture itself.
 */
export function overlay(
  picture: Pixels | RgbaPixels,
  values: Float32Array,
  options: OverlayOptions,
): RgbaPixels {
  const pixels = picture.width * picture.height;
  const under = picture.data.length === 4 * pixels ? picture : opaque(picture);
  const side = Math.trunc(Math.sqrt(values.length));
  if (side === 0) return under;
  if (side * side !== values.length) {
    return alphaComposite(under, heatMap(picture.width, picture.height, values, options));
  }
  // Of a pixel that two squares share, the later one's, to the right or below, stays: so each square keeps its own
  // rows and columns, the last ones one more, and silent patches need no work.
  const { width, height } = picture;
  const data = options.into?.(under.data.length) ?? new Uint8Array(under.data.length);
  data.set(under.data);
  const w = Math.floor(width / side);
  const h = Math.floor(height / side);
  const end = (i: number, step: number, size: number) =>
    Math.min(size, (i + 1) * step + (i === side - 1 ? 1 : 0));
  for (let p = 0; p < values.length; p++) {
    const [r, g, b, alpha] = colour(values[p]!, f32(options.upper), options.opacity ?? usualOpacity);
    if (alpha === 0) continue;
    const column = p % side;
    const row = Math.floor(p / side);
    for (let y = row * h; y < end(row, h, height); y++) {
      for (let x = column * w; x < end(column, w, width); x++) {
        const at = 4 * (y * width + x);
        data[at] = blend(r, data[at]!, alpha);
        data[at + 1] = blend(g, data[at + 1]!, alpha);
        data[at + 2] = blend(b, data[at + 2]!, alpha);
      }
    }
  }
  return { width, height, data };
}
