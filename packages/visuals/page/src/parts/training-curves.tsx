import { useMemo, useState } from "preact/hooks";
import type { Run } from "../../../src/explorer/api.js";
import { curveNames, curvePoints, thinned } from "../../../src/runs/curves.js";
import { useMetrics } from "../data/follow.js";
import { PlotFigure, plotSize } from "./plot.js";

/** How runs trained: any of their metrics over steps, live while they train; dashed on activations that they do not train on. */
export function TrainingCurves({ runs }: { readonly runs: readonly Run[] }) {
  const metrics = useMetrics(runs);
  const names = useMemo(
    () => curveNames(runs.flatMap((run) => [metrics.get(run.id) ?? []])),
    [runs, metrics],
  );
  const [chosen, setChosen] = useState("loss");
  const name = names.includes(chosen) ? chosen : names[0];
  const [logarithmic, setLogarithmic] = useState(true);
  const points = runs.flatMap((run) =>
    thinned(
      curvePoints(metrics.get(run.id) ?? [], name ?? "").filter(({ value }) => !logarithmic || value > 0),
    ).map((point) => ({ run: run.title, ...point })),
  );
  const [trained, validated] = [points.filter((p) => !p.validation), points.filter((p) => p.validation)];
  if (name === undefined) return null;
  return (
    <section aria-labelledby="curves">
      <div class="list-bar">
        <h2 id="curves">Training</h2>
        <span class="actions">
          <label>
            Metric{" "}
            <select value={name} onChange={(event) => setChosen(event.currentTarget.value)}>
              {names.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <label class="chip">
            <input
              type="checkbox"
              checked={logarithmic}
              onChange={(event) => setLogarithmic(event.currentTarget.checked)}
            />
            logarithmic
          </label>
        </span>
      </div>
      <PlotFigure
        label={`${name} over steps of ${runs.length} runs`}
        keys={[points.length, points.at(-1)?.step, name, logarithmic, runs.length]}
        draw={(Plot, width) =>
          Plot.plot({
            ...plotSize(width),
            grid: true,
            x: { label: "step →" },
            y: { label: `↑ ${name}`, type: logarithmic ? "log" : "linear", tickFormat: "~g" },
            color: { legend: true, scheme: "observable10" },
            marks: [
              Plot.line(trained, { x: "step", y: "value", stroke: "run", strokeWidth: 1.5 }),
              Plot.line(validated, {
                x: "step",
                y: "value",
                stroke: "run",
                strokeWidth: 1.5,
                strokeDasharray: "5 3",
                marker: "dot",
              }),
              Plot.tip(points, Plot.pointerX({ x: "step", y: "value", stroke: "run" })),
            ],
          })
        }
      />
    </section>
  );
}
