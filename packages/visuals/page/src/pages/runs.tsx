import { useEffect, useMemo, useState } from "preact/hooks";
import type { Run } from "../../../src/explorer/api.js";
import { source } from "../data/current-source.js";
import { useLoaded } from "../data/use.js";
import { ConfigTable } from "../parts/config-table.js";
import { ParetoPlot } from "../parts/pareto-plot.js";
import { RunTable } from "../parts/run-table.js";
import { TrainingCurves } from "../parts/training-curves.js";
import { Waiting } from "../parts/waiting.js";

/** While a run is in training the list is read again so often, in milliseconds. */
const interval = 3000;

/** A sweep at a glance: which runs are best, how they trained, how their configs differ. */
export function RunsPage() {
  const [round, again] = useState(0);
  const loaded = useLoaded(() => source.json<readonly Run[]>("runs/runs.json"), [round], { keep: true });
  const runs = loaded.state === "ready" ? loaded.value : undefined;
  const training = runs?.some((run) => !run.evaluation) ?? false;
  useEffect(() => {
    document.title = "Runs · saev explorer";
  }, []);
  useEffect(() => {
    if (!training) return;
    const timer = setTimeout(() => again(round + 1), interval);
    return () => clearTimeout(timer);
  }, [training, round]);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const shown = useMemo(() => runs?.filter((run) => !hidden.has(run.id)) ?? [], [runs, hidden]);
  if (!runs) return <Waiting loaded={loaded} />;
  const toggle = (id: string) => {
    const next = new Set(hidden);
    next.has(id) ? next.delete(id) : next.add(id);
    setHidden(next);
  };
  return (
    <>
      <h1>Runs</h1>
      <ParetoPlot runs={shown} />
      <RunTable runs={runs} hidden={hidden} toggle={toggle} />
      <TrainingCurves runs={shown} />
      <ConfigTable runs={shown} />
    </>
  );
}
