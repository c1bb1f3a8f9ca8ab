import * as Plot from "@observablehq/plot";
import type { Metrics, Run } from "../explorer/api.js";
import { escapeHtml } from "../gallery/escape.js";
import { mark, short, style, titled } from "../plots.js";
import { fontFamily, newDocument, svgText } from "../svg.js";
import { curvePoints } from "./curves.js";
import { figureOf, figures } from "./figures.js";
import { paretoFront } from "./pareto.js";

/** What the panels of {@link trainingPlot} show, as far as runs have it, in this order. */
const curves: readonly {
  readonly key: string;
  readonly name: string;
  readonly log: boolean;
  readonly zero?: true;
}[] = [
  { key: "loss", name: "loss", log: true },
  { key: "mse", name: "MSE", log: true },
  { key: "l0", name: "L0", log: true },
  { key: "val_explained_variance", name: "explained variance", log: false },
  { key: "n_dead", name: "dead latents", log: false, zero: true },
  { key: "lr", name: "learning rate", log: false, zero: true },
];

const panelWidth = 400;
const panelHeight = 210;

/** The colours of many runs: ten that are easily told apart, beyond them a rainbow in the order of runs. */
const colours = (runs: readonly Run[]): Plot.ScaleOptions => ({
  domain: runs.map(({ id }) => id),
  ...(runs.length <= 10
    ? { scheme: "observable10", type: "categorical" }
    : { scheme: "turbo", type: "ordinal" }),
});

/**
 * How runs trained: loss, errors, sparsity, dead latents and learning rate over steps, a line a run. Dashed: measured on
 * activations that are not trained on. undefined where no run has metrics.
 */
export function trainingPlot(runs: readonly Run[], metricsOf: (run: Run) => Metrics): string | undefined {
  const all = new Map(runs.map((run) => [run.id, metricsOf(run)]));
  const panels = curves.flatMap(({ key, name, log, zero = false }) => {
    const points = runs.flatMap(({ id }) =>
      curvePoints(all.get(id)!, key)
        .filter(({ value }) => !log || value > 0)
        .map((point) => ({ ...point, run: id })),
    );
    return points.length > 0 ? [{ name, log, zero, points }] : [];
  });
  if (panels.length === 0) return undefined;
  const color = colours(runs);
  const shown = runs.filter(({ id }) => panels.some(({ points }) => points.some(({ run }) => run === id)));
  const legend = legendSvg(shown, color, 2 * panelWidth);
  const width = Math.min(2, panels.length) * panelWidth;
  const down = Math.ceil(panels.length / 2);
  const title = `Training of ${shown.length} ${shown.length === 1 ? "run" : "runs"}`;
  const parts = panels.map(({ name, log, zero, points }, i) => {
    const figure = Plot.plot({
      document: newDocument(),
      width: panelWidth,
      height: panelHeight,
      marginLeft: 56,
      marginTop: 24,
      marginBottom: 34,
      style,
      ariaLabel: name,
      grid: true,
      x: { label: "step", ticks: 5, tickFormat: "~s" },
      y: {
        ...{ label: name, type: log ? "log" : "linear", ticks: 5, zero },
        ...(log ? { tickFormat: logTick } : { tickFormat: short, nice: true }),
      },
      color,
      marks: [
        Plot.line(
          points.filter((p) => !p.validation),
          { x: "step", y: "value", z: "run", stroke: "run", strokeWidth: 1.5 },
        ),
        Plot.line(
          points.filter((p) => p.validation),
          { x: "step", y: "value", z: "run", stroke: "run", strokeWidth: 1.5, strokeDasharray: "5 3" },
        ),
        // A line of one point has no length.
        Plot.dot(lonely(points), { x: "step", y: "value", fill: "run", r: 2.5 }),
      ],
    });
    const [x, y] = [(i % 2) * panelWidth, legend.height + Math.floor(i / 2) * panelHeight];
    return `<g transform="translate(${x},${y})">${svgText(figure)}</g>`;
  });
  const content = `<g>${legend.svg}${parts.join("")}</g>`;
  return titled(content, title, width, 20 + legend.height + down * panelHeight);
}

/** Only 1, 2 and 5 of each power of ten: the others have no room. */
const logTick = (value: number) => (/^[125]/.test(value.toExponential()) ? short(value) : "");

function lonely<P extends { readonly run: string; readonly validation: boolean }>(points: readonly P[]): P[] {
  const key = (p: P) => `${p.run} ${p.validation}`;
  const counts = new Map<string, number>();
  for (const p of points) counts.set(key(p), (counts.get(key(p)) ?? 0) + 1);
  return points.filter((p) => counts.get(key(p)) === 1);
}

/** Names of the runs beside their colours, in as many rows as it takes; the first 30 of them. */
function legendSvg(runs: readonly Run[], options: Plot.ScaleOptions, width: number) {
  const most = 30;
  const color = Plot.scale({ color: options });
  let [x, y] = [8, 18];
  const items = runs.slice(0, most).map(({ id, title }) => ({ title, fill: String(color.apply(id)) }));
  if (runs.length > most) items.push({ title: `and ${runs.length - most} more`, fill: "none" });
  const parts = items.map(({ title, fill }) => {
    const room = 22 + 6.2 * [...title].length;
    if (x > 8 && x + room > width) [x, y] = [8, y + 18];
    const at = x;
    x += room;
    return (
      `<rect x="${at}" y="${y - 9}" width="10" height="10" fill="${fill}"/>` +
      `<text x="${at + 14}" y="${y}" font-size="11" fill="#222" font-family="${fontFamily}, sans-serif">${escapeHtml(title)}</text>`
    );
  });
  return { svg: parts.join(""), height: y + 10 };
}

/** What the panels of {@link paretoPlot} have upwards. */
const quality = ["explained_variance", "mse"].map((key) => figures.find((f) => f.key === key)!);

/**
 * What sparsity costs: L0 against explained variance and against MSE, a dot a run. Runs that no other beats in both are
 * joined and named; hollow ones are still in training. undefined where no run has figures.
 */
export function paretoPlot(runs: readonly Run[]): string | undefined {
  const panels = quality.flatMap(({ key, name, higher: rises = false }) => {
    const points = runs
      .map((run) => ({ run, x: figureOf(run, "l0"), y: figureOf(run, key), done: run.evaluation !== null }))
      .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
    return points.length > 0 ? [{ name, points, rises, front: paretoFront(points, rises) }] : [];
  });
  if (panels.length === 0) return undefined;
  const height = 330;
  const parts = panels.map(({ name, points, front, rises }, i) => {
    const onFront = new Set(front);
    const figure = Plot.plot({
      document: newDocument(),
      width: panelWidth,
      height,
      marginLeft: 56,
      marginTop: 24,
      marginBottom: 34,
      marginRight: 24,
      style,
      ariaLabel: `L0 against ${name}`,
      grid: true,
      inset: 14,
      x: { label: "L0", ticks: 6, nice: true },
      y: { label: name, ticks: 6, nice: true },
      marks: [
        Plot.line(front, { x: "x", y: "y", stroke: mark, strokeDasharray: "4 3" }),
        Plot.dot(points, {
          ...{ x: "x", y: "y", r: 4, strokeWidth: 1.5 },
          stroke: (p) => (onFront.has(p) ? mark : "#889"),
          fill: (p) => (p.done ? (onFront.has(p) ? mark : "#889") : "white"),
        }),
        // Names of what is worth choosing, as far as there is room.
        ...(front.length > 12 ? [] : front.map((point) => nameOf(point, points, rises))),
      ],
    });
    return `<g transform="translate(${i * panelWidth},0)">${svgText(figure)}</g>`;
  });
  const best = new Set(panels.flatMap(({ front }) => front.map(({ run }) => run.id)));
  const title = `What sparsity costs: ${runs.length} ${runs.length === 1 ? "run" : "runs"}, ${best.size} that no other beats`;
  return titled(`<g>${parts.join("")}</g>`, title, panels.length * panelWidth, 20 + height);
}

interface RunPoint {
  readonly run: Run;
  readonly x: number;
  readonly y: number;
}

/** A run's name, on the side of its dot on which the front is not: below one that rises, else above. */
function nameOf(point: RunPoint, all: readonly RunPoint[], rises: boolean) {
  const [from, to] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ x }) => x))];
  const start = point.x < from + 0.6 * (to - from);
  return Plot.text([point], {
    ...{ x: "x", y: "y", text: (p: RunPoint) => p.run.title },
    ...{ textAnchor: start ? "start" : "end", dx: start ? 7 : 4, dy: rises ? 13 : -12 },
    ...{ fill: "#222", stroke: "white", strokeWidth: 3, fontSize: 10 },
  });
}
