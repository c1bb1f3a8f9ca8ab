import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { afterPictures } from "../data/after-pictures.js";
import type { Columns } from "../data/columns.js";
import { densityOf, type Points } from "../data/density.js";
import type { Filter, Range } from "../data/filter.js";
import { loadPlot, type PlotLibrary } from "../data/plot.js";
import { type Box, Brush } from "./brush.js";
import { plotSize } from "./plot.js";
import { RangeInputs } from "./range-inputs.js";
import { useWidth } from "./use-width.js";

interface ScatterProps {
  readonly columns: Columns;
  readonly chosen: Uint32Array;
  readonly filter: Filter;
  readonly change: (part: Partial<Filter>) => void;
}

const usualHeight = 280;

/** Side of a cell of the density, in pixels. */
const cell = 8;

/** Above so many, chosen latents are drawn as a density and not as dots. */
const mostDots = 1500;

/** Frequency against mean value of all latents that fire, both as logarithms. A dragged rectangle filters. */
export function Scatter({ columns, chosen, filter, change }: ScatterProps) {
  const holder = useRef<HTMLDivElement>(null);
  const [width, measured] = useWidth();
  const [scales, setScales] = useState<Scales>();
  const [Plot, setPlot] = useState<PlotLibrary>();
  const { height } = plotSize(width, usualHeight);
  const all = useMemo(() => (Plot ? pointsOf(columns, columns.frequency.keys()) : none), [Plot, columns]);
  const dots = useMemo(
    () => (chosen.length <= mostDots ? pointsOf(columns, chosen) : none),
    [columns, chosen],
  );
  const density = useMemo(() => densityOf(all, width / cell, height / cell), [all, width, height]);
  useEffect(() => {
    let here = true;
    afterPictures()
      .then(loadPlot)
      .then((library) => here && setPlot(() => library));
    return () => {
      here = false;
    };
  }, []);
  useEffect(() => {
    if (width === 0 || !Plot) return;
    const plot = Plot.plot({
      ...plotSize(width, usualHeight),
      marginRight: 12,
      x: { label: "log₁₀ frequency →", nice: true },
      y: { label: "↑ log₁₀ mean value", nice: true },
      // Not a colour scale: colours change with the page's theme.
      opacity: { type: "sqrt", range: [0.15, 1] },
      marks: [
        // Under dots of all of them it would say nothing more.
        dots.x.length < all.x.length
          ? Plot.rect(density, {
              ...{ x1: "x1", x2: "x2", y1: "y1", y2: "y2", fillOpacity: "count" },
              // A line between cells.
              ...{ fill: "var(--density-high)", insetTop: 1, insetLeft: 1 },
            })
          : null,
        Plot.dot(dots.x, { x: dots.x, y: dots.y, r: 2, fill: "var(--mark)" }),
      ],
    });
    plot.setAttribute("aria-hidden", "true");
    holder.current!.replaceChildren(plot);
    setScales({ x: scaleOf(plot, "x"), y: scaleOf(plot, "y") });
  }, [Plot, all, density, dots, width]);
  return (
    <figure class="scatter" ref={measured} aria-label="Frequency and mean value of all latents that fire">
      <div class="layers" style={{ height: `${height}px` }}>
        <div ref={holder} />
        {scales && (
          <Brush
            box={boxOf(filter, scales)}
            onBox={(box) =>
              change(
                box
                  ? {
                      frequency: sorted(scales.x.invert(box.left), scales.x.invert(box.right)),
                      mean: sorted(scales.y.invert(box.bottom), scales.y.invert(box.top)),
                    }
                  : { frequency: undefined, mean: undefined },
              )
            }
          />
        )}
      </div>
      <figcaption>
        <span class="soft">Drag to choose a region.</span>
        <RangeInputs
          name="log₁₀ frequency"
          range={filter.frequency}
          onRange={(frequency) => change({ frequency })}
        />
        <RangeInputs name="log₁₀ mean value" range={filter.mean} onRange={(mean) => change({ mean })} />
      </figcaption>
    </figure>
  );
}

interface Scale {
  readonly apply: (value: number) => number;
  readonly invert: (pixel: number) => number;
  readonly range: Range;
}
interface Scales {
  readonly x: Scale;
  readonly y: Scale;
}

function scaleOf(plot: ReturnType<PlotLibrary["plot"]>, name: "x" | "y"): Scale {
  const { apply, invert, range } = plot.scale(name)!;
  const [a, b] = range as [number, number];
  return { apply, invert: invert!, range: [Math.min(a, b), Math.max(a, b)] };
}

const sorted = (a: number, b: number): Range => (a < b ? [a, b] : [b, a]);

/** The filter's ranges in pixels; one that is not set is as wide as the plot. */
function boxOf({ frequency, mean }: Filter, { x, y }: Scales): Box | undefined {
  if (!frequency && !mean) return undefined;
  const [left, right] = frequency ? sorted(x.apply(frequency[0]), x.apply(frequency[1])) : x.range;
  const [top, bottom] = mean ? sorted(y.apply(mean[0]), y.apply(mean[1])) : y.range;
  return { left, right, top, bottom };
}

const none: Points = { x: new Float64Array(), y: new Float64Array() };

/** log₁₀ of frequency and of mean value, of those latents that have both. */
function pointsOf(columns: Columns, latents: Iterable<number>): Points {
  const points: { x: number[]; y: number[] } = { x: [], y: [] };
  for (const latent of latents) {
    const frequency = Math.log10(columns.frequency[latent]!);
    const mean = Math.log10(columns.mean[latent]!);
    if (!Number.isFinite(frequency) || !Number.isFinite(mean)) continue;
    points.x.push(frequency);
    points.y.push(mean);
  }
  return { x: Float64Array.from(points.x), y: Float64Array.from(points.y) };
}
