import { plasma } from "../../../src/plasma.js";

/** 256 colours, red, green and blue a byte each. */
type Palette = Uint8Array;

const bytesOf = (fractions: readonly number[]): Palette =>
  Uint8Array.from(fractions, (c) => Math.min(255, Math.trunc(c * 256)));

/** From dark to light through `steps`, e.g. `[[0, 0, 0], [255, 255, 255]]`. */
function gradient(...steps: readonly (readonly [number, number, number])[]): Palette {
  const out = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (steps.length - 1);
    const [from, to] = [steps[Math.floor(at)]!, steps[Math.min(steps.length - 1, Math.floor(at) + 1)]!];
    for (let c = 0; c < 3; c++) out[3 * i + c] = Math.round(from[c]! + (to[c]! - from[c]!) * (at % 1));
  }
  return out;
}

/** Colour maps of heat maps; "plasma" is the one of the pictures that `saev visuals` draws. */
export const palettes: Readonly<Record<string, Palette>> = {
  plasma: bytesOf([...plasma]),
  fire: gradient([20, 0, 0], [170, 20, 10], [250, 150, 30], [255, 250, 210]),
  ice: gradient([0, 10, 40], [20, 90, 170], [110, 200, 230], [240, 255, 255]),
  grey: gradient([0, 0, 0], [255, 255, 255]),
};

/**
 * Draws a heat map, square unless `columns` says otherwise, one pixel of `canvas` a patch; the browser scales it up without smoothing. The strongest values
 * are the most opaque, silent patches are clear.
 * @param values f_x of each patch, row by row from the top left. @param upper the value that gets the last colour.
 */
export function drawHeat(
  canvas: HTMLCanvasElement,
  values: Float32Array,
  upper: number,
  palette: string,
  columns = Math.floor(Math.sqrt(values.length)),
): void {
  const rows = Math.floor(values.length / columns);
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d")!;
  const pixels = context.createImageData(columns, rows);
  const colours = palettes[palette] ?? palettes.plasma!;
  for (let i = 0; i < columns * rows; i++) {
    const step = upper > 0 ? Math.max(0, Math.min(255, Math.trunc((values[i]! / upper) * 256))) : 0;
    pixels.data.set(colours.subarray(3 * step, 3 * step + 3), 4 * i);
    pixels.data[4 * i + 3] = Math.trunc(0.9 * step);
  }
  context.putImageData(pixels, 0, 0);
}
