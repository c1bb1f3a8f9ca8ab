import { useComputed } from "@preact/signals";
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

/**
 * A table whose rows lie where they are put has lost the browser's own layout of tables, which would look at every row for each that
 * comes; some browsers take what it means to a screen reader away with it.
 */
const roles = {
  table: { role: "table" },
  rowgroup: { role: "rowgroup" },
  row: { role: "row" },
  columnheader: { role: "columnheader" },
  cell: { role: "cell" },
} as const;

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
  return (
    <div class="scroller" ref={scroller}>
      <table
        {...roles.table}
        class={scores ? "latents fitted" : "latents"}
        aria-label="Latents"
        aria-rowcount={chosen.length + 1}
      >
        <thead {...roles.rowgroup}>
          <tr {...roles.row} aria-rowindex={1}>
            <th {...roles.columnheader} scope="col">
              <span class="visually-hidden">Best image</span>
            </th>
            {[...heads, ...(scores ? [fit] : [])].map(([key, name]) => (
              <th {...roles.columnheader} key={key} scope="col" class={key} aria-sort={order(key)}>
                <button type="button" class="plain" onClick={() => sortBy(key)}>
                  {name}
                  <span aria-hidden="true">
                    {{ none: "", ascending: " ↑", descending: " ↓" }[order(key)]}
                  </span>
                </button>
              </th>
            ))}
            <th {...roles.columnheader} scope="col" class="state">
              State
            </th>
          </tr>
        </thead>
        <tbody {...roles.rowgroup} style={{ height: `${height}px` }}>
          {rows.map(({ index, start }) => {
            const latent = chosen[index]!;
            return (
              <Row
                key={latent}
                data={data}
                latent={latent}
                index={index}
                top={start}
                score={scores?.[latent]}
              />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly data: ViewData;
  readonly latent: number;
  /** Its place in the list. */
  readonly index: number;
  /** Its distance from the list's top, in pixels. */
  readonly top: number;
  /** How well a text fits, NaN where that is not known; undefined without a text. */
  readonly score: number | undefined;
}

/** A row stays as it is while others come and go: with signals, a component whose properties are the same is not drawn anew. */
function Row({ data, latent, index, top, score }: RowProps) {
  const { view, columns } = data;
  const note = data.notes.value[latent];
  const isPointed = useComputed(() => pointed.value === latent);
  return (
    <tr
      {...roles.row}
      aria-rowindex={index + 2}
      style={{ height: `${rowHeight}px`, transform: `translateY(${top}px)` }}
      class={isPointed.value ? "pointed" : undefined}
      onPointerEnter={() => point(latent)}
      onPointerLeave={() => point(undefined)}
      onFocusIn={() => point(latent)}
      onFocusOut={() => point(undefined)}
    >
      <td {...roles.cell}>
        <Picture image={columns.best[latent]!} size={48} alt="" eager />
      </td>
      <td {...roles.cell}>
        <Link href={`/views/${view.id}/latents/${latent}`}>{latent}</Link>
      </td>
      <td {...roles.cell} class="name">
        {note?.name || <span class="soft">{wordsOf(data.names.value, latent).slice(0, 3).join(", ")}</span>}
        {note?.note && (
          <span class="soft said" title={note.note}>
            {note.note.slice(0, shownNote)}
          </span>
        )}
      </td>
      <td {...roles.cell} class="label">
        {data.labels.value(latent)}
      </td>
      <td {...roles.cell}>{log10(columns.frequency[latent]!)}</td>
      <td {...roles.cell}>{figure(columns.mean[latent])}</td>
      <td {...roles.cell}>{figure(columns.max[latent])}</td>
      {score !== undefined && <td {...roles.cell}>{Number.isNaN(score) ? "–" : score.toFixed(2)}</td>}
      <td {...roles.cell} class="state">
        {stateOf(columns.frequency[latent]!)}
      </td>
    </tr>
  );
}
