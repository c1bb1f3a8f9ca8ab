import * as Plot from "@observablehq/plot";
import type { Histogram } from "@saev/core";
import { fontFamily, newDocument, svgText } from "./svg.js";

const bar = "#3f6fb5";
export const mark = "#c8452d";

/** One panel of {@link distributionPlot}. */
export interface DistributionPanel {
  readonly latent: number;
  /** Of the latent's firing values. */
  readonly histogram: Histogram;
  /** Values of f_x at which lines are drawn, with their names, e.g. `{ p99: 1.2 }`. Those of 0 are left out of log axes. */
  readonly percentiles: Readonly<Record<string, number>>;
  /** Fraction of rows in which it fires. */
  readonly frequency: number;
}

/** Of every plot. An object, since linkedom cannot take a style as text. */
export const style = {
  fontFamily: `${fontFamily}, sans-serif`,
  fontSize: "11px",
  background: "white",
  color: "#222",
};

/** A number with three significant digits. */
export const short = (x: number): string =>
  x === 0
    ? "0"
    : Math.abs(x) >= 1e4 || Math.abs(x) < 1e-3
      ? x.toExponential(1)
      : `${Number(x.toPrecision(3))}`;

/** Edges and counts of a histogram's bars. */
function bars(histogram: Histogram): { x1: number; x2: number; n: number }[] {
  const { lo, hi, counts } = histogram;
  // Equal values give no width: one bar around the value then.
  if (!(hi > lo)) {
    const n = counts.reduce((a, b) => a + b, 0);
    return n > 0 ? [{ x1: lo - 0.02, x2: lo + 0.02, n }] : [];
  }
  const step = (hi - lo) / counts.length;
  return counts.map((n, i) => ({ x1: lo + i * step, x2: lo + (i + 1) * step, n }));
}

/** One latent's histogram of firing values with its percentile lines, as SVG. */
export function histogramSvg(panel: DistributionPanel, width = 320, height = 190): string {
  const { histogram } = panel;
  const at = (v: number) => (histogram.log10 ? Math.log10(v) : v);
  const lines = Object.entries(panel.percentiles)
    .filter(([, v]) => Number.isFinite(v) && (!histogram.log10 || v > 0))
    .map(([name, v]) => ({ name: `${name} ${short(v)}`, x: at(v) }));
  const fires = histogram.counts.some((n) => n > 0);
  const title = fires
    ? `Latent ${panel.latent}, fires in ${short(100 * panel.frequency)} % of rows`
    : `Latent ${panel.latent} never fires`;
  const figure = Plot.plot({
    document: newDocument(),
    width,
    height: height - 20,
    marginTop: 22,
    marginLeft: 44,
    marginBottom: 34,
    style,
    ariaLabel: title,
    x: { label: histogram.log10 ? "log10 value" : "value", ticks: 5, insetLeft: 4, insetRight: 4 },
    y: { label: "rows", ticks: 4, grid: true, nice: true, ...(fires ? {} : { domain: [0, 1] }) },
    marks: [
      Plot.rectY(bars(histogram), { x1: "x1", x2: "x2", y: "n", fill: bar, inset: 0.25 }),
      Plot.ruleX(lines, { x: "x", stroke: mark, strokeWidth: 1.5, strokeDasharray: "4 2" }),
      Plot.text(lines, {
        x: "x",
        text: "name",
        frameAnchor: "top",
        fill: mark,
        stroke: "white",
        strokeWidth: 3,
        textAnchor: "end",
        dx: -3,
      }),
      Plot.ruleY([0]),
    ],
  });
  return titled(svgText(figure), title, width, height);
}

/** All panels as one SVG, `columns` a row. */
export function distributionPlot(panels: readonly DistributionPanel[], columns = 5): string {
  const width = 260;
  const height = 170;
  const across = Math.max(1, Math.min(columns, panels.length));
  const down = Math.max(1, Math.ceil(panels.length / across));
  const parts = panels.map((panel, i) => {
    const x = (i % across) * width;
    const y = Math.floor(i / across) * height;
    return `<g transform="translate(${x},${y})">${histogramSvg(panel, width, height)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${across * width}" height="${down * height}" viewBox="0 0 ${across * width} ${down * height}">${parts.join("")}</svg>`;
}

export interface FrequencyPlotOptions {
  readonly logFreqRange: readonly [number, number];
  readonly logValueRange: readonly [number, number];
}

/** A latent in {@link frequencyPlot}: log10 of frequency and mean value, and whether it is shown. */
export interface FrequencyPoint {
  readonly log10Freq: number;
  readonly log10Value: number;
  readonly shown: boolean;
}

/**
 * Firing frequency against mean value, both log10: how many latents lie where (cells), which are shown (dots), and
 * the ranges that chose them (frame). Latents without a finite place are counted in the caption. Its size does not
 * grow with the number of latents.
 */
export function frequencyPlot(points: readonly FrequencyPoint[], options: FrequencyPlotOptions): string {
  const finite = points.filter((p) => Number.isFinite(p.log10Freq) && Number.isFinite(p.log10Value));
  const [x1, x2] = options.logFreqRange;
  const [y1, y2] = options.logValueRange;
  const width = 640;
  const height = 470;
  const title = `Latents by firing frequency and mean value (${finite.length} of ${points.length})`;
  const figure = Plot.plot({
    document: newDocument(),
    width,
    height: height - 20,
    marginTop: 26,
    marginLeft: 50,
    style,
    ariaLabel: title,
    color: { scheme: "blues", label: "latents", type: "sqrt" },
    x: { label: "log10 firing frequency", nice: true },
    y: { label: "log10 mean value", nice: true, grid: true },
    marks: [
      Plot.rect(
        finite,
        Plot.bin(
          { fill: "count" },
          { x: { value: "log10Freq", thresholds: 60 }, y: { value: "log10Value", thresholds: 45 } },
        ),
      ),
      Plot.dot(
        finite.filter((p) => p.shown),
        { x: "log10Freq", y: "log10Value", r: 2, fill: mark, fillOpacity: 0.8 },
      ),
      Plot.rect([{ x1, x2, y1, y2 }], {
        x1: "x1",
        x2: "x2",
        y1: "y1",
        y2: "y2",
        fill: "none",
        stroke: "#222",
        strokeDasharray: "4 3",
      }),
    ],
  });
  return titled(svgText(figure), title, width, height);
}

/** Puts a title above a drawing, as text that is read out and as text that is seen. */
export function titled(svg: string, title: string, width: number, height: number): string {
  const label = `<text x="8" y="15" font-size="12" fill="#222" font-family="${fontFamily}, sans-serif">${title}</text>`;
  const above = 20;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<title>${title}</title><rect width="${width}" height="${height}" fill="white"/>${label}` +
    `<g transform="translate(0,${above})">${svg}</g></svg>`
  );
}
