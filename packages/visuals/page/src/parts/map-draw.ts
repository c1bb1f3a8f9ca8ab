import type { Corner } from "../data/lasso.js";
import type { MapColours } from "../data/map-colours.js";

/** Between the points and the canvas's edge, in pixels. */
const margin = 12;

/** From the map's coordinates to pixels and back, each axis filling its side. */
export interface Placement {
  readonly width: number;
  readonly height: number;
  readonly px: (x: number) => number;
  readonly py: (y: number) => number;
  readonly x: (px: number) => number;
  readonly y: (py: number) => number;
}

/** @param points float32 `[latents, 2]`; NaN for what is not on the map. */
export function placement(points: Float32Array, width: number, height: number): Placement {
  const range = (axis: 0 | 1) => {
    let [lo, hi] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = axis; i < points.length; i += 2) {
      const value = points[i]!;
      if (value < lo) lo = value;
      if (value > hi) hi = value;
    }
    return lo < hi ? [lo, hi] : [lo - 1, lo + 1];
  };
  const [left, right] = range(0) as [number, number];
  const [bottom, top] = range(1) as [number, number];
  const sx = (width - 2 * margin) / (right - left);
  const sy = (height - 2 * margin) / (top - bottom);
  return {
    ...{ width, height },
    px: (x) => margin + (x - left) * sx,
    py: (y) => height - margin - (y - bottom) * sy,
    x: (px) => (px - margin) / sx + left,
    y: (py) => (height - margin - py) / sy + bottom,
  };
}

/** The latent nearest to a place, in pixels, within `reach` of it. */
export function nearestPoint(
  points: Float32Array,
  place: Placement,
  { px, py }: { readonly px: number; readonly py: number },
  reach: number,
): number | undefined {
  let best: number | undefined;
  let least = reach ** 2;
  for (let i = 0; i < points.length / 2; i++) {
    const distance = (place.px(points[2 * i]!) - px) ** 2 + (place.py(points[2 * i + 1]!) - py) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/** An empty canvas whose units are CSS pixels, sharp on any screen. */
function fresh(canvas: HTMLCanvasElement, { width, height }: Placement): CanvasRenderingContext2D {
  const density = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d")!;
  context.scale(density, density);
  return context;
}

/** @param shown latents that are coloured; the others are faint. */
export function drawPoints(
  canvas: HTMLCanvasElement,
  place: Placement,
  points: Float32Array,
  shown: Uint32Array,
  colours: MapColours,
): void {
  const context = fresh(canvas, place);
  const radius = (points.length > 40_000 ? 1.2 : 2.4) * (place.width > 2000 ? 1.8 : 1);
  const dot = (latent: number) => {
    const x = place.px(points[2 * latent]!);
    if (Number.isNaN(x)) return;
    context.fillRect(x - radius, place.py(points[2 * latent + 1]!) - radius, 2 * radius, 2 * radius);
  };
  context.fillStyle = getComputedStyle(canvas).getPropertyValue("--line");
  for (let latent = 0; latent < points.length / 2; latent++) dot(latent);
  for (const latent of shown) {
    const colour = colours.of(latent);
    if (colour === undefined) continue;
    context.fillStyle = colour;
    dot(latent);
  }
}

export interface Marks {
  readonly lasso: readonly Corner[];
  /** A latent that gets a ring. */
  readonly ring: number | undefined;
  /** Where the keyboard's cross is, in pixels. */
  readonly cross: { readonly px: number; readonly py: number } | undefined;
}

/** What moves over the points. */
export function drawMarks(canvas: HTMLCanvasElement, place: Placement, points: Float32Array, marks: Marks) {
  const { lasso, ring, cross } = marks;
  const context = fresh(canvas, place);
  const style = getComputedStyle(canvas);
  context.strokeStyle = style.getPropertyValue("--mark");
  context.lineWidth = 2;
  if (lasso.length > 0) {
    context.beginPath();
    for (const [x, y] of lasso) context.lineTo(place.px(x), place.py(y));
    context.closePath();
    context.stroke();
  }
  if (cross) {
    context.beginPath();
    context.moveTo(cross.px - 8, cross.py);
    context.lineTo(cross.px + 8, cross.py);
    context.moveTo(cross.px, cross.py - 8);
    context.lineTo(cross.px, cross.py + 8);
    context.stroke();
  }
  if (ring !== undefined && Number.isFinite(points[2 * ring])) {
    context.strokeStyle = style.getPropertyValue("--ink");
    context.beginPath();
    context.arc(place.px(points[2 * ring]!), place.py(points[2 * ring + 1]!), 7, 0, 2 * Math.PI);
    context.stroke();
  }
}
