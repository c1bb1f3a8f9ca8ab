import { useEffect, useState } from "preact/hooks";
import type { Metrics, Run } from "../../../src/explorer/api.js";
import { source } from "./current-source.js";

/** The metrics of runs by id: of finished ones once, of those in training as they are written. */
export function useMetrics(runs: readonly Run[]): ReadonlyMap<string, Metrics> {
  const [all, setAll] = useState<ReadonlyMap<string, Metrics>>(new Map());
  const key = runs.map((run) => `${run.id}${run.evaluation ? "." : "…"}`).join(" ");
  useEffect(() => {
    const put = (id: string, change: (before: Metrics) => Metrics) =>
      setAll((before) => new Map(before).set(id, change(before.get(id) ?? [])));
    const streams = runs.map((run) => {
      if (run.evaluation) {
        source.json<Metrics>(`runs/${run.id}/metrics.json`).then(
          (metrics) => put(run.id, () => metrics),
          () => put(run.id, () => []),
        );
        return undefined;
      }
      const events = new EventSource(source.url(`runs/${run.id}/follow`));
      put(run.id, () => []);
      // A run that goes on from a checkpoint has cut its file back to it.
      events.addEventListener("cut", () => put(run.id, () => []));
      events.onmessage = ({ data }) => put(run.id, (before) => [...before, ...(JSON.parse(data) as Metrics)]);
      return events;
    });
    return () => {
      for (const stream of streams) stream?.close();
    };
    // Runs are read again every few seconds; what is followed changes only when one begins or ends.
  }, [key]);
  return all;
}
