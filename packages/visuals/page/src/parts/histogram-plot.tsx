import type { Histogram } from "../../../src/explorer/api.js";
import { placeOf, quantileOf } from "../data/quantiles.js";
import { count, figure } from "./format.js";

/** Percentiles of the firing values that are marked. */
const marked = [50, 90, 99];

/** How the values of a latent are distributed when it fires; the height of a bar is the root of its count. */
export function HistogramPlot({ histogram }: { readonly histogram: Histogram }) {
  const { counts, lo, hi, log10 } = histogram;
  const most = Math.max(...counts, 1);
  const total = counts.reduce((a, b) => a + b, 0);
  const end = (x: number) => figure(log10 ? 10 ** x : x);
  const width = 320;
  const height = 110;
  const step = width / counts.length;
  const percentiles = marked.flatMap((p) => {
    const [place, value] = [placeOf(counts, p / 100), quantileOf(histogram, p / 100)];
    return place === undefined || value === undefined ? [] : [{ p, x: place * step, value }];
  });
  const said = percentiles.map(({ p, value }) => `${p} % up to ${figure(value)}`).join(", ");
  return (
    <figure class="histogram">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${count(total)} firing values from ${end(lo)} to ${end(hi)}${said && `: ${said}`}`}
      >
        {counts.map((n, i) => {
          const h = Math.sqrt(n / most) * height;
          return <rect key={i} x={i * step} y={height - h} width={step - 0.5} height={h} />;
        })}
        {percentiles.map(({ p, x }) => (
          <line key={p} x1={x} x2={x} y1={0} y2={height} />
        ))}
      </svg>
      <figcaption>
        <span>{end(lo)}</span>
        <span class="soft">
          {count(total)} firing values{log10 ? ", logarithmic" : ""}
        </span>
        <span>{end(hi)}</span>
      </figcaption>
      {said && (
        <p class="soft" aria-hidden="true">
          Lines: {said}
        </p>
      )}
    </figure>
  );
}
