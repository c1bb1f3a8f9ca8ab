import { useMemo, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import type { Run } from "../../../src/explorer/api.js";
import { figureOf, figures, stateOfRun } from "../../../src/runs/figures.js";
import { flat } from "../data/differences.js";
import { figure } from "./format.js";

interface RunTableProps {
  readonly runs: readonly Run[];
  readonly hidden: ReadonlySet<string>;
  readonly toggle: (id: string) => void;
}

/** All runs with their figures; the box before each says whether the plots show it. */
export function RunTable({ runs, hidden, toggle }: RunTableProps) {
  const [sort, setSort] = useState<string>();
  const shown = useMemo(
    () => figures.filter(({ key }) => runs.some((run) => Number.isFinite(figureOf(run, key)))),
    [runs],
  );
  const configs = useMemo(() => new Map(runs.map((run) => [run.id, flat(run.config)])), [runs]);
  const withKinds = runs.some((run) => kindsOf(configs.get(run.id)!) !== "");
  const ordered = useMemo(() => {
    if (sort === undefined) return runs;
    const sign = figures.find(({ key }) => key === sort)?.higher ? -1 : 1;
    return [...runs].sort(
      (a, b) => sign * (figureOf(a, sort) - figureOf(b, sort)) || a.title.localeCompare(b.title),
    );
  }, [runs, sort]);
  return (
    <div class="wide">
      <table class="runs">
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Shown in the plots</span>
            </th>
            <th scope="col" class="text">
              Run
            </th>
            {withKinds && (
              <th scope="col" class="text">
                SAE and objective
              </th>
            )}
            <th scope="col" class="text">
              State
            </th>
            <th scope="col">Learning rate</th>
            <th scope="col">Sparsity</th>
            {shown.map(({ key, name }) => (
              <th key={key} scope="col" aria-sort={sort === key ? "other" : "none"}>
                <button type="button" class="plain" onClick={() => setSort(sort === key ? undefined : key)}>
                  {name}
                  <span aria-hidden="true">{sort === key ? " ▾" : ""}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ordered.map((run) => {
            const config = configs.get(run.id)!;
            return (
              <tr key={run.id}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={`Show ${run.title}`}
                    checked={!hidden.has(run.id)}
                    onChange={() => toggle(run.id)}
                  />
                </td>
                <th scope="row">
                  {run.views.length > 0 ? (
                    <Link href={`/views/${run.views[0]}`}>{run.title}</Link>
                  ) : (
                    run.title
                  )}
                </th>
                {withKinds && <td class="text">{kindsOf(config)}</td>}
                <td class="text">{stateOfRun(run)}</td>
                <td>{config.lr ?? "–"}</td>
                <td>{config["objective.sparsity_coeff"] ?? "–"}</td>
                {shown.map(({ key }) => (
                  <td key={key}>{figure(figureOf(run, key))}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** "top-k, matryoshka": what the config says of them. */
function kindsOf(config: Readonly<Record<string, string>>): string {
  const kinds = [config["sae.kind"], config["objective.kind"]].filter((kind) => kind !== undefined);
  return kinds.map((kind) => kind.replaceAll('"', "")).join(", ");
}
