import { useState } from "preact/hooks";
import type { Run } from "../../../src/explorer/api.js";
import { type Figure, figureOf, figures } from "../../../src/runs/figures.js";
import { paretoFront } from "../../../src/runs/pareto.js";
import { PlotFigure, plotSize } from "./plot.js";

const cost = figures.filter(({ key }) => key === "l0" || key === "l1");
const quality = figures.filter(({ key }) => !cost.some((c) => c.key === key));

/** What each run costs in active latents and what it gives; those that no other beats are joined. */
export function ParetoPlot({ runs }: { readonly runs: readonly Run[] }) {
  const [x, setX] = useState(cost[0]!);
  const [y, setY] = useState(quality[0]!);
  const points = runs
    .map((run) => ({ run, x: figureOf(run, x.key), y: figureOf(run, y.key) }))
    .filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  const front = paretoFront(points, y.higher === true);
  return (
    <section aria-labelledby="pareto">
      <div class="list-bar">
        <h2 id="pareto">What sparsity costs</h2>
        <span class="actions">
          <FigureChoice name="Across" all={cost} value={x} onChoice={setX} />
          <FigureChoice name="Up" all={quality} value={y} onChoice={setY} />
        </span>
      </div>
      <PlotFigure
        label={`${x.name} against ${y.name}; not beaten by any other: ${front.map(({ run }) => run.title).join(", ")}`}
        keys={[runs, x, y]}
        draw={(Plot, width) =>
          Plot.plot({
            ...plotSize(width),
            grid: true,
            x: { label: `${x.name} →`, nice: true },
            y: { label: `↑ ${y.name}`, nice: true },
            marks: [
              Plot.line(front, { x: "x", y: "y", stroke: "var(--accent)", strokeDasharray: "4 3" }),
              Plot.dot(points, {
                x: "x",
                y: "y",
                r: 5,
                fill: (point) => (front.includes(point) ? "var(--accent)" : "var(--soft)"),
              }),
              Plot.tip(
                points,
                Plot.pointer({ x: "x", y: "y", title: ({ run }: (typeof points)[number]) => run.title }),
              ),
            ],
          })
        }
      />
    </section>
  );
}

interface FigureChoiceProps {
  readonly name: string;
  readonly all: readonly Figure[];
  readonly value: Figure;
  readonly onChoice: (figure: Figure) => void;
}

function FigureChoice({ name, all, value, onChoice }: FigureChoiceProps) {
  return (
    <label>
      {name}{" "}
      <select
        value={value.key}
        onChange={(event) => onChoice(all.find(({ key }) => key === event.currentTarget.value)!)}
      >
        {all.map((figure) => (
          <option key={figure.key} value={figure.key}>
            {figure.name}
          </option>
        ))}
      </select>
    </label>
  );
}
