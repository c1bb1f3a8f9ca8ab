import * as Plot from "@observablehq/plot";
import { useMemo, useState } from "preact/hooks";
import type { Run } from "../../../src/explorer/api.js";
import { useMetrics } from "../data/follow.js";
import { PlotFigure } from "./plot.js";

/** How runs trained: any of their metrics over steps, live while they train. */
export function TrainingCurves({ runs }: { readonly runs: readonly Run[] }) {
  const metrics = useMetrics(runs);
  const names = useMemo(() => {
    const found = new Set<string>();
    for (const run of runs) {
      for (const [name, value] of Object.entries(metrics.get(run.id)?.at(-1) ?? {})) {
        if (typeof value === "number" && name !== "step") found.add(name);
      }
    }
    return [...found];
  }, [runs, metrics]);
  const [chosen, setChosen] = useState("loss");
  const name = names.includes(chosen) ? chosen : names[0];
  const [logarithmic, setLogarithmic] = useState(true);
  const points = runs.flatMap((run) =>
    (metrics.get(run.id) ?? []).flatMap((entry) => {
      const value = entry[name ?? ""];
      const fits = typeof value === "number" && Number.isFinite(value) && (!logarithmic || value > 0);
      return fits ? [{ run: run.title, step: entry.step as number, value }] : [];
    }),
  );
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
        keys={[points.length, name, logarithmic, runs.length]}
        draw={(width) =>
          Plot.plot({
            width,
            height: 300,
            marginLeft: 60,
            grid: true,
            x: { label: "step →" },
            y: { label: `↑ ${name}`, type: logarithmic ? "log" : "linear" },
            color: { legend: true, scheme: "observable10" },
            marks: [
              Plot.line(points, { x: "step", y: "value", stroke: "run", strokeWidth: 1.5 }),
              Plot.tip(points, Plot.pointerX({ x: "step", y: "value", stroke: "run" })),
            ],
          })
        }
      />
    </section>
  );
}
