import type { Notes } from "../../../src/explorer/api.js";
import { type Columns, stateOf } from "./columns.js";
import { type LabelOf, noLabels } from "./labels.js";

const quoted = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const number = (x: number) => (Number.isNaN(x) ? "" : String(x));

/** A list of latents as spreadsheets, pandas and DuckDB read it (RFC 4180). */
export function selectionCsv(
  chosen: Uint32Array,
  columns: Columns,
  notes: Notes,
  labelOf: LabelOf = noLabels,
): string {
  const head = "latent,state,frequency,mean,max,percentile,best_image,label,name,note";
  const rows = Array.from(chosen, (latent) => {
    const { name = "", note = "" } = notes[latent] ?? {};
    const frequency = columns.frequency[latent]!;
    return [
      latent,
      stateOf(frequency),
      number(frequency),
      number(columns.mean[latent]!),
      number(columns.max[latent]!),
      number(columns.percentile[latent]!),
      columns.best[latent]! < 0 ? "" : columns.best[latent],
      quoted(labelOf(latent)),
      quoted(name),
      quoted(note),
    ].join(",");
  });
  return `${[head, ...rows].join("\r\n")}\r\n`;
}
