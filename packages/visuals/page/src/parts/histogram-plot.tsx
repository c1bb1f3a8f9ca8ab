import type { Histogram } from "../../../src/explorer/api.js";
import { count, figure } from "./format.js";

/** How the values of a latent are distributed when it fires; the height of a bar is the root of its count. */
export function HistogramPlot({ histogram }: { readonly histogram: Histogram }) {
  const { counts, lo, hi, log10 } = histogram;
  const most = Math.max(...counts, 1);
  const total = counts.reduce((a, b) => a + b, 0);
  const end = (x: number) => figure(log10 ? 10 ** x : x);
  const width = 320;
  const height = 110;
  const step = width / counts.length;
  return (
    <figure class="histogram">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${count(total)} firing values from ${end(lo)} to ${end(hi)}`}
      >
        {counts.map((n, i) => {
          const h = Math.sqrt(n / most) * height;
          return <rect key={i} x={i * step} y={height - h} width={step - 0.5} height={h} />;
        })}
      </svg>
      <figcaption>
        <span>{end(lo)}</span>
        <span class="soft">
          {count(total)} firing values{log10 ? ", logarithmic" : ""}
        </span>
        <span>{end(hi)}</span>
      </figcaption>
    </figure>
  );
}
