import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import type { Corner } from "../data/lasso.js";
import type { MapColours } from "../data/map-colours.js";
import { point, pointed } from "../data/pointed.js";
import { drawMarks, drawPoints, nearestPoint, placement } from "./map-draw.js";
import { useWidth } from "./use-width.js";

interface MapCanvasProps {
  /** Id of the view. */
  readonly view: string;
  /** float32 `[d_sae, 2]`; NaN for what is not on the map. */
  readonly points: Float32Array;
  /** Latents that are coloured; the others are faint. */
  readonly shown: Uint32Array;
  readonly colours: MapColours;
  readonly lasso: readonly Corner[];
  /** What a latent is called. */
  readonly nameOf: (latent: number) => string;
  readonly onLasso: (polygon: readonly Corner[]) => void;
}

/** Nearer than this to the pointer, in pixels, a latent is named. */
const reach = 10;

/** A drag of fewer corners is a click. */
const leastDragged = 8;

/** How far an arrow key moves the cross, in pixels; with Shift, further. */
const [step, stride] = [6, 36];

const arrows: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * The points of a map. A drag draws a lasso, a click opens the nearest latent. Keys: arrows move a cross, Space puts a corner of a
 * lasso there, Enter opens the latent there, Escape gives up the corners or the lasso.
 */
export function MapCanvas({ view, points, shown, colours, lasso, nameOf, onLasso }: MapCanvasProps) {
  const dots = useRef<HTMLCanvasElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const layer = useRef<HTMLDivElement>(null);
  const [width, measured] = useWidth();
  const height = Math.round(Math.min(860, Math.max(320, 0.5 * width)));
  const [drawn, setDrawn] = useState<readonly Corner[]>([]);
  const dragging = useRef(false);
  const [cross, setCross] = useState<{ px: number; py: number }>();
  const [, navigate] = useLocation();
  const place = useMemo(() => placement(points, width, height), [points, width, height]);
  const ring = pointed.value;
  useEffect(
    () => drawPoints(dots.current!, place, points, shown, colours),
    [...[place, points, shown, colours]],
  );
  useEffect(
    () => drawMarks(marks.current!, place, points, { lasso: drawn.length > 0 ? drawn : lasso, ring, cross }),
    [...[place, points, lasso, drawn, ring, cross, colours]],
  );
  useEffect(() => () => point(undefined), []);
  const at = (event: PointerEvent) => {
    const box = layer.current!.getBoundingClientRect();
    return { px: event.clientX - box.left, py: event.clientY - box.top };
  };
  const corner = ({ px, py }: { px: number; py: number }): Corner => [place.x(px), place.y(py)];
  const open = (latent: number | undefined) =>
    latent !== undefined && navigate(`/views/${view}/latents/${latent}`);
  const onKeyDown = (event: KeyboardEvent) => {
    const here = cross ?? { px: width / 2, py: height / 2 };
    const arrow = arrows[event.key];
    if (arrow) {
      const by = event.shiftKey ? stride : step;
      const next = {
        px: Math.max(0, Math.min(width, here.px + by * arrow[0])),
        py: Math.max(0, Math.min(height, here.py + by * arrow[1])),
      };
      setCross(next);
      point(nearestPoint(points, place, next, reach));
    } else if (event.key === " ") {
      setCross(here);
      const next = [...drawn, corner(here)];
      setDrawn(next);
      // From the third corner on it encloses something.
      if (next.length > 2) onLasso(next);
    } else if (event.key === "Enter") open(nearestPoint(points, place, here, reach));
    else if (event.key === "Escape" && (drawn.length > 0 || lasso.length > 0)) {
      setDrawn([]);
      onLasso([]);
    } else return;
    event.preventDefault();
  };
  return (
    <div class="map">
      <div class="layers" ref={measured} style={{ height: `${height}px` }}>
        <canvas ref={dots} style={{ width: `${width}px`, height: `${height}px` }} />
        <div
          ref={layer}
          class="marks"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: an application takes the keys that its label names
          tabIndex={0}
          role="application"
          aria-label="Map of the latents. Arrows move a cross, Space puts a corner of a lasso, Enter opens a latent, Escape clears. The list below holds the same latents."
          onKeyDown={onKeyDown}
          onFocus={() => {
            if (layer.current!.matches(":focus-visible"))
              setCross(cross ?? { px: width / 2, py: height / 2 });
          }}
          onBlur={() => {
            setCross(undefined);
            setDrawn([]);
          }}
          onPointerDown={(event) => {
            layer.current!.setPointerCapture(event.pointerId);
            dragging.current = true;
            setCross(undefined);
            setDrawn([corner(at(event))]);
          }}
          onPointerMove={(event) => {
            if (dragging.current) setDrawn([...drawn, corner(at(event))]);
            else point(nearestPoint(points, place, at(event), reach));
          }}
          onPointerLeave={() => point(undefined)}
          onPointerUp={(event) => {
            const polygon = drawn;
            dragging.current = false;
            setDrawn([]);
            if (polygon.length > leastDragged) onLasso(polygon);
            else open(nearestPoint(points, place, at(event), reach));
          }}
          onPointerCancel={() => {
            dragging.current = false;
            setDrawn([]);
          }}
        >
          <canvas ref={marks} style={{ width: `${width}px`, height: `${height}px` }} />
        </div>
      </div>
      <p class="soft" role="status">
        {ring === undefined ? "\u00a0" : nameOf(ring)}
      </p>
    </div>
  );
}
