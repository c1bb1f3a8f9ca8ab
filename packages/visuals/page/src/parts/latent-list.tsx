import type { Filter } from "../data/filter.js";
import { selectionCsv } from "../data/selection.js";
import { useQuery } from "../data/use-query.js";
import type { ViewData } from "../pages/view.js";
import { download } from "./download.js";
import { amount, count } from "./format.js";
import { LatentGrid } from "./latent-grid.js";
import { LatentTable } from "./latent-table.js";

interface LatentListProps {
  readonly data: ViewData;
  /** In order. */
  readonly chosen: Uint32Array;
  readonly filter: Filter;
  readonly change: (part: Partial<Filter>) => void;
  /** How well a text fits each latent, where one was typed. */
  readonly scores: Float32Array | undefined;
}

/** Chosen latents as a table or a grid, and as a file. */
export function LatentList({ data, chosen, filter, change, scores }: LatentListProps) {
  const { view, columns } = data;
  const [query, setQuery] = useQuery();
  const grid = query.get("list") === "grid";
  const show = (asGrid: boolean) => {
    const next = new URLSearchParams(query);
    asGrid ? next.set("list", "grid") : next.delete("list");
    setQuery(next);
  };
  const save = () =>
    download(
      `${view.title.replaceAll("/", "-")}.csv`,
      selectionCsv(chosen, columns, data.notes.value, data.labels.value),
    );
  return (
    <>
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
          <button type="button" disabled={chosen.length === 0} onClick={save}>
            Export as CSV
          </button>
        </div>
      </div>
      {grid ? (
        <LatentGrid data={data} chosen={chosen} />
      ) : (
        <LatentTable data={data} chosen={chosen} filter={filter} change={change} scores={scores} />
      )}
    </>
  );
}
