import { Link } from "wouter-preact";
import { stateOf } from "../data/columns.js";
import type { Filter, SortKey } from "../data/filter.js";
import { wordsOf } from "../data/names.js";
import { point, pointed } from "../data/pointed.js";
import type { ViewData } from "../pages/view.js";
import { figure, log10 } from "./format.js";
import { Picture } from "./picture.js";
import { useVirtual } from "./use-virtual.js";

const rowHeight = 56;

/** Characters of a note that a row may show; its width cuts it further. */
const shownNote = 200;

const heads: readonly (readonly [key: SortKey, name: string])[] = [
  ["id", "Latent"],
  ["name", "Name and note"],
  ["label", "Label"],
  ["frequency", "log₁₀ frequency"],
  ["mean", "Mean"],
  ["max", "Max"],
];

const fit = ["fit", "Fit"] as const;

/** Wanted from the first and not from the largest. */
const words: readonly SortKey[] = ["id", "name", "label"];

interface LatentTableProps {
  readonly data: ViewData;
  readonly chosen: Uint32Array;
  readonly filter: Filter;
  readonly change: (part: Partial<Filter>) => void;
  /** How well a text fits each latent, where one was typed. */
  readonly scores: Float32Array | undefined;
}

/** Latents a row each. Only the rows in sight are in the document; a screen reader is told how many there are. */
export function LatentTable({ data, chosen, filter, change, scores }: LatentTableProps) {
  const { view, columns } = data;
  const notes = data.notes.value;
  const { scroller, rows, height } = useVirtual(chosen.length, rowHeight);
  const order = (key: SortKey) => {
    if (filter.sort !== key) return "none";
    return filter.descending ? "descending" : "ascending";
  };
  const sortBy = (sort: SortKey) =>
    change({
      sort,
      descending: filter.sort === sort ? !filter.descending : !words.includes(sort),
    });
  const above = rows[0]?.start ?? 0;
  const below = height - (rows.at(-1)?.end ?? 0);
  return (
    <div class="scroller" ref={scroller}>
      <table class="latents" aria-label="Latents" aria-rowcount={chosen.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">
              <span class="visually-hidden">Best image</span>
            </th>
            {[...heads, ...(scores ? [fit] : [])].map(([key, name]) => (
              <th key={key} scope="col" class={key} aria-sort={order(key)}>
                <button type="button" class="plain" onClick={() => sortBy(key)}>
                  {name}
                  <span aria-hidden="true">
                    {{ none: "", ascending: " ↑", descending: " ↓" }[order(key)]}
                  </span>
                </button>
              </th>
            ))}
            <th scope="col" class="state">
              State
            </th>
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr style={{ height: `${above}px` }} />}
          {rows.map(({ index }) => {
            const latent = chosen[index]!;
            return (
              <tr
                key={latent}
                aria-rowindex={index + 2}
                style={{ height: `${rowHeight}px` }}
                class={pointed.value === latent ? "pointed" : undefined}
                onPointerEnter={() => point(latent)}
                onPointerLeave={() => point(undefined)}
                onFocusIn={() => point(latent)}
                onFocusOut={() => point(undefined)}
              >
                <td>
                  <Picture image={columns.best[latent]!} size={48} alt="" />
                </td>
                <td>
                  <Link href={`/views/${view.id}/latents/${latent}`}>{latent}</Link>
                </td>
                <td class="name">
                  {notes[latent]?.name || (
                    <span class="soft">{wordsOf(data.names, latent).slice(0, 3).join(", ")}</span>
                  )}
                  {notes[latent]?.note && (
                    <span class="soft said" title={notes[latent].note}>
                      {notes[latent].note.slice(0, shownNote)}
                    </span>
                  )}
                </td>
                <td class="label">{data.labels.value(latent)}</td>
                <td>{log10(columns.frequency[latent]!)}</td>
                <td>{figure(columns.mean[latent])}</td>
                <td>{figure(columns.max[latent])}</td>
                {scores && <td>{Number.isNaN(scores[latent]!) ? "–" : scores[latent]!.toFixed(2)}</td>}
                <td class="state">{stateOf(columns.frequency[latent]!)}</td>
              </tr>
            );
          })}
          {below > 0 && <tr style={{ height: `${below}px` }} />}
        </tbody>
      </table>
    </div>
  );
}
