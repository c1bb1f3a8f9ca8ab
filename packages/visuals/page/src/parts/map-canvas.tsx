import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import type { View } from "../../../src/explorer/api.js";
import type { Columns } from "../data/columns.js";
import { palettes } from "../data/heat.js";
import type { Corner } from "../data/lasso.js";
import { useWidth } from "./use-width.js";

/** What points can be coloured by. */
export const colourings: Readonly<
  Record<string, { readonly name: string; readonly value: (columns: Columns, latent: number) => number }>
> = {
  frequency: { name: "log₁₀ frequency", value: (c, i) => Math.log10(c.frequency[i]!) },
  mean: { name: "log₁₀ mean value", value: (c, i) => Math.log10(c.mean[i]!) },
  max: { name: "log₁₀ largest value", value: (c, i) => Math.log10(c.max[i]!) },
};

interface MapCanvasProps {
  readonly view: View;
  readonly columns: Columns;
  /** float32 `[d_sae, 2]`; NaN for what is not on the map. */
  readonly points: Float32Array;
  /** Latents that are coloured; the others are faint. */
  readonly shown: Uint32Array;
  readonly lasso: readonly Corner[];
  readonly colour: string;
  readonly onLasso: (polygon: readonly Corner[]) => void;
}

const height = 520;
const margin = 12;
/** Nearer than this to the pointer, in pixels, a latent is named. */
const reach = 10;

/** The points of a map. A drag draws a lasso, a click opens the nearest latent. */
export function MapCanvas({ view, columns, points, shown, lasso, colour, onLasso }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, measured] = useWidth(900);
  const [drawn, setDrawn] = useState<readonly Corner[]>([]);
  const [hover, setHover] = useState<number>();
  const [, navigate] = useLocation();
  const place = useMemo(() => placement(points, width), [points, width]);
  useEffect(() => {
    draw(canvas.current!, width, place, {
      columns,
      points,
      shown,
      colour,
      lasso: drawn.length > 0 ? drawn : lasso,
    });
  }, [width, place, columns, points, shown, colour, lasso, drawn]);
  const at = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    return { px: event.clientX - box.left, py: event.clientY - box.top };
  };
  const nearest = ({ px, py }: { px: number; py: number }) => {
    let best: number | undefined;
    let least = reach ** 2;
    for (let i = 0; i < points.length / 2; i++) {
      const distance = (place.px(points[2 * i]!) - px) ** 2 + (place.py(points[2 * i + 1]!) - py) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  };
  return (
    <div class="map" ref={measured}>
      <canvas
        ref={canvas}
        style={{ width: `${width}px`, height: `${height}px` }}
        aria-label="Map of the latents; the list below holds the same latents"
        role="img"
        onPointerDown={(event) => {
          canvas.current!.setPointerCapture(event.pointerId);
          const { px, py } = at(event);
          setDrawn([[place.x(px), place.y(py)]]);
        }}
        onPointerMove={(event) => {
          const { px, py } = at(event);
          if (drawn.length > 0) setDrawn([...drawn, [place.x(px), place.y(py)]]);
          else setHover(nearest({ px, py }));
        }}
        onPointerUp={(event) => {
          const polygon = drawn;
          setDrawn([]);
          if (polygon.length > 8) return onLasso(polygon);
          const latent = nearest(at(event));
          if (latent !== undefined) navigate(`/views/${view.id}/latents/${latent}`);
        }}
        onPointerCancel={() => setDrawn([])}
      />
      <p class="soft">{hover === undefined ? "\u00a0" : `Latent ${hover}`}</p>
    </div>
  );
}

interface Placement {
  readonly px: (x: number) => number;
  readonly py: (y: number) => number;
  readonly x: (px: number) => number;
  readonly y: (py: number) => number;
}

/** From the map's coordinates to pixels and back, each axis filling its side. */
function placement(points: Float32Array, width: number): Placement {
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
    px: (x) => margin + (x - left) * sx,
    py: (y) => height - margin - (y - bottom) * sy,
    x: (px) => (px - margin) / sx + left,
    y: (py) => (height - margin - py) / sy + bottom,
  };
}

interface Drawing {
  readonly columns: Columns;
  readonly points: Float32Array;
  readonly shown: Uint32Array;
  readonly colour: string;
  readonly lasso: readonly Corner[];
}

function draw(canvas: HTMLCanvasElement, width: number, place: Placement, drawing: Drawing): void {
  const { columns, points, shown, colour, lasso } = drawing;
  const density = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d")!;
  context.scale(density, density);
  const style = getComputedStyle(canvas);
  const radius = points.length > 40_000 ? 1.2 : 2.4;
  const dot = (latent: number) => {
    const x = place.px(points[2 * latent]!);
    if (Number.isNaN(x)) return;
    context.fillRect(x - radius, place.py(points[2 * latent + 1]!) - radius, 2 * radius, 2 * radius);
  };
  context.fillStyle = style.getPropertyValue("--line");
  for (let latent = 0; latent < points.length / 2; latent++) dot(latent);
  const { value } = colourings[colour] ?? colourings.frequency!;
  const values = Array.from(shown, (latent) => value(columns, latent));
  const finite = values.filter(Number.isFinite);
  const lo = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const hi = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  shown.forEach((latent, i) => {
    if (!Number.isFinite(values[i])) return;
    // The last steps of the palette are lost on a light ground.
    const step = Math.round(((values[i]! - lo) / (hi - lo || 1)) * 220);
    const [r, g, b] = palettes.plasma!.subarray(3 * step, 3 * step + 3);
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    dot(latent);
  });
  if (lasso.length === 0) return;
  context.beginPath();
  for (const [x, y] of lasso) context.lineTo(place.px(x), place.py(y));
  context.closePath();
  context.strokeStyle = style.getPropertyValue("--mark");
  context.lineWidth = 1.5;
  context.stroke();
}
