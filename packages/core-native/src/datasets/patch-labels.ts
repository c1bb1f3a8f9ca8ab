import { SaevError } from "../errors.js";
import type { Pixels } from "../images/pixels.js";
import type { Transform } from "../images/transform.js";

/** Patches of a model's input. */
export interface PatchGrid {
  readonly rows: number;
  readonly columns: number;
  /** Pixels of a patch's side. */
  readonly side: number;
}

/** The square patches that `nPatches` of a transform's pixels make. @throws SaevError `UNSUPPORTED` when there is no such grid. */
export function patchGrid({ width, height }: Transform, nPatches: number): PatchGrid {
  const side = Math.floor(Math.sqrt((width * height) / nPatches));
  const rows = Math.floor(height / side);
  const columns = Math.floor(width / side);
  if (rows * columns !== nPatches) {
    throw new SaevError(
      "UNSUPPORTED",
      `labels of patches: ${nPatches} patches of ${width} × ${height} pixels are no grid of squares`,
    );
  }
  return { rows, columns, side };
}

/**
 * The class that most pixels of each patch have, of equals the smallest; row by row from the top left. The segmentation is
 * resized and cut as the model's pictures are, by nearest neighbour as Pillow's `Image.resize(…, NEAREST)` picks it. What is
 * padded counts as class 0.
 * @param segmentation its red channel holds the classes.
 */
export function patchLabels(segmentation: Pixels, transform: Transform, grid: PatchGrid): Uint8Array {
  const { width, height, data } = segmentation;
  const size = resizedSize(width, height, transform);
  const columns = sources(width, size.width, transform.width);
  const rows = sources(height, size.height, transform.height);
  const labels = new Uint8Array(grid.rows * grid.columns);
  const counts = new Uint32Array(256);
  for (let patch = 0; patch < labels.length; patch++) {
    counts.fill(0);
    const top = Math.floor(patch / grid.columns) * grid.side;
    const left = (patch % grid.columns) * grid.side;
    for (let y = top; y < top + grid.side; y++) {
      for (let x = left; x < left + grid.side; x++) {
        const row = rows[y]!;
        const column = columns[x]!;
        counts[row < 0 || column < 0 ? 0 : data[3 * (row * width + column)]!]!++;
      }
    }
    let best = 0;
    for (let c = 1; c < 256; c++) if (counts[c]! > counts[best]!) best = c;
    labels[patch] = best;
  }
  return labels;
}

/** As `resized_size` in `native/image/transform.cc`. */
function resizedSize(width: number, height: number, t: Transform): { width: number; height: number } {
  if (t.mode === "squash") return { width: t.resizeWidth, height: t.resizeHeight };
  if (t.mode === "shortest" && t.resizeWidth === t.resizeHeight) {
    const size = t.resizeWidth;
    const longer = Math.trunc((size * Math.max(width, height)) / Math.min(width, height));
    return height <= width ? { width: longer, height: size } : { width: size, height: longer };
  }
  const ratios = [height / t.resizeHeight, width / t.resizeWidth];
  if (t.mode === "shortest") {
    const ratio = Math.min(...ratios);
    return { width: roundHalfEven(width / ratio), height: roundHalfEven(height / ratio) };
  }
  const ratio = Math.max(...ratios);
  return {
    width: Math.max(1, roundHalfEven(width / ratio)),
    height: Math.max(1, roundHalfEven(height / ratio)),
  };
}

/** For each of `wanted` places cut from the centre of `resized` ones, which of `found` it is taken from; −1 for padding. */
function sources(found: number, resized: number, wanted: number): Int32Array {
  const from = resized >= wanted ? roundHalfEven((resized - wanted) / 2) : 0;
  const pad = resized >= wanted ? 0 : Math.trunc((wanted - resized) / 2);
  const result = new Int32Array(wanted).fill(-1);
  const step = found / resized;
  // Added up as Pillow adds it up, with its rounding.
  let at = step * 0.5;
  for (let i = 0; i < resized; i++, at += step) {
    const place = i - from + pad;
    if (place >= wanted) break;
    if (place >= 0) result[place] = Math.min(found - 1, Math.trunc(at));
  }
  return result;
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
