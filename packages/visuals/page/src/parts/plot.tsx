import type * as Plot from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";
import { useWidth } from "./use-width.js";

interface PlotFigureProps {
  /** Draws the plot at a width in pixels. */
  readonly draw: (width: number) => ReturnType<typeof Plot.plot>;
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
    const plot = draw(width);
    plot.setAttribute("aria-hidden", "true");
    holder.current!.replaceChildren(plot);
  }, [width, ...keys]);
  return (
    <figure class="plot" aria-label={label} ref={measured}>
      <div ref={holder} />
    </figure>
  );
}
