import { plasma, plasmaIndex } from "./plasma.js";

/** Pixels, row by row from the top left, 8 bits a channel. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 3: red, green, blue. 4: alpha besides. */
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

export interface OverlayOptions {
  /** The value that gets the last colour and the full opacity; usually the latent's largest among its top images. */
  readonly upper: number;
  /** Opacity at `upper`. Default 0.9. */
  readonly opacity?: number;
}

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
  { upper, opacity = 0.9 }: OverlayOptions,
): Pixels {
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
  return { width, height, channels: 4, data };
}

/**
 * Lays `over` (RGBA) on the opaque picture `under` (RGB), in Pillow's integer arithmetic (`Image.alpha_composite`).
 * The result is RGBA, all of it opaque.
 */
export function alphaComposite(under: Pixels, over: Pixels): Pixels {
  const pixels = under.width * under.height;
  const data = new Uint8Array(pixels * 4);
  for (let i = 0; i < pixels; i++) {
    const s = 4 * i;
    const d = under.channels * i;
    const alpha = over.data[s + 3]!;
    // Pillow's coefficient has 7 bits of fraction; under an opaque picture it is exact.
    const c1 = alpha * 128;
    const c2 = 255 * 128 - c1;
    for (let c = 0; c < 3; c++) {
      const t = over.data[s + c]! * c1 + under.data[d + c]! * c2 + (0x80 << 7);
      data[s + c] = ((t >> 8) + t) >> 15;
    }
    data[s + 3] = 255;
  }
  return { width: under.width, height: under.height, channels: 4, data };
}

/**
 * The picture with the heat map over it, as the Python package draws it, RGBA; without values the picture itself.
 * @param picture RGB.
 */
export function overlay(picture: Pixels, values: Float32Array, options: OverlayOptions): Pixels {
  if (values.length === 0) return picture;
  return alphaComposite(picture, heatMap(picture.width, picture.height, values, options));
}
