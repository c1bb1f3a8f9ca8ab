import { useEffect, useMemo, useState } from "preact/hooks";
import { useSearchParams } from "wouter-preact";
import { type Filter, select } from "../data/filter.js";
import { filterOf, withFilter } from "../data/filter-address.js";
import { selectionCsv } from "../data/selection.js";
import { download } from "../parts/download.js";
import { amount, count } from "../parts/format.js";
import { LatentFilter } from "../parts/latent-filter.js";
import { LatentGrid } from "../parts/latent-grid.js";
import { LatentTable } from "../parts/latent-table.js";
import { Scatter } from "../parts/scatter.js";
import type { ViewData } from "./view.js";

/** All latents of an SAE: found by range, state and words, as a table or a grid, and exported. */
export function LatentsPage({ data }: { readonly data: ViewData }) {
  const { view, columns } = data;
  const notes = data.notes.value;
  const [query, setQuery] = useSearchParams();
  const filter = useMemo(() => filterOf(query), [query]);
  const change = (part: Partial<Filter>) =>
    setQuery(withFilter(query, { ...filter, ...part }), { replace: true });
  const [grid, setGrid] = useState(query.get("list") === "grid");
  const chosen = useMemo(() => select(columns, notes, filter), [columns, notes, filter]);
  useEffect(() => {
    document.title = `${view.title} · saev explorer`;
  }, [view]);
  const show = (asGrid: boolean) => {
    setGrid(asGrid);
    const next = new URLSearchParams(query);
    asGrid ? next.set("list", "grid") : next.delete("list");
    setQuery(next, { replace: true });
  };
  return (
    <>
      <h1>{view.title}</h1>
      <p class="facts">
        {amount(view.dSae, "latent")}
        {view.nImages !== undefined && `, ${amount(view.nImages, "image")}`}
        {view.rows !== undefined &&
          `, ${amount(view.rows, view.sortBy === "cls" ? "CLS token" : "patch", "patches")}`}
      </p>
      {view.remarks.map((remark) => (
        <p key={remark} class="remark">
          {remark}
        </p>
      ))}
      {!view.pictures.ok && <p class="remark">No pictures: {view.pictures.why}</p>}
      <Scatter columns={columns} chosen={chosen} filter={filter} change={change} />
      <LatentFilter columns={columns} filter={filter} change={change} />
      <div class="list-bar">
        <p role="status" aria-live="polite">
          {count(chosen.length)} of {amount(view.dSae, "latent")}
        </p>
        <div class="actions">
          <fieldset aria-label="How they are listed">
            <button type="button" aria-pressed={!grid} onClick={() => show(false)}>
              Table
            </button>
            <button type="button" aria-pressed={grid} onClick={() => show(true)}>
              Grid
            </button>
          </fieldset>
          <button
            type="button"
            disabled={chosen.length === 0}
            onClick={() =>
              download(`${view.title.replaceAll("/", "-")}.csv`, selectionCsv(chosen, columns, notes))
            }
          >
            Export as CSV
          </button>
        </div>
      </div>
      {grid ? (
        <LatentGrid data={data} chosen={chosen} />
      ) : (
        <LatentTable data={data} chosen={chosen} filter={filter} change={change} />
      )}
    </>
  );
}
