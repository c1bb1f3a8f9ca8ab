import { useEffect, useRef } from "preact/hooks";
import { loadPlot, type PlotLibrary } from "../data/plot.js";
import { useWidth } from "./use-width.js";

/** How large a plot is, with room for the letters that the style gives it; on a wall of pixels all of it is larger. */
export function plotSize(width: number, usualHeight = 300) {
  const large = width > 2000;
  return {
    width,
    height: Math.round(usualHeight * (large ? 1.6 : 1)),
    marginLeft: large ? 76 : 60,
    marginBottom: large ? 56 : 42,
    marginTop: large ? 34 : 26,
  };
}

interface PlotFigureProps {
  /** Draws the plot at a width in pixels. */
  readonly draw: (plot: PlotLibrary, width: number) => ReturnType<PlotLibrary["plot"]>;
  /** Drawn again when one of them changes. */
  readonly keys: readonly unknown[];
  /** What it shows, for those who do not see it. */
  readonly label: string;
}

/** A plot as wide as its place. */
export function PlotFigure({ draw, keys, label }: PlotFigureProps) {
  const holder = useRef<HTMLDivElement>(null);
  const [width, measured] = useWidth();
  useEffect(() => {
    if (width === 0) return;
    let current = true;
    loadPlot().then((library) => {
      if (!current) return;
      const plot = draw(library, width);
      plot.setAttribute("aria-hidden", "true");
      holder.current!.replaceChildren(plot);
    });
    return () => {
      current = false;
    };
  }, [width, ...keys]);
  return (
    <figure class="plot" aria-label={label} ref={measured}>
      <div ref={holder} />
    </figure>
  );
}
