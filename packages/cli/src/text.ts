/** Numbers, amounts and tables as people read them. */

/** 12345 → "12,345". */
export const count = (n: number): string => n.toLocaleString("en-US", { maximumFractionDigits: 0 });

/** Three significant digits: "17.8", "0.0123", "1,230", "4.1e-7". */
export function figure(x: number): string {
  if (!Number.isFinite(x)) return String(x);
  const size = Math.abs(x);
  if (size >= 1000) return count(x);
  if (size !== 0 && size < 1e-4) return x.toExponential(1);
  return String(Number(x.toPrecision(3)));
}

/** A length of time: "0:07", "12:34", "3:04:05". */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60);
  return minutes < 60
    ? `${minutes}:${two(s % 60)}`
    : `${count(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(s % 60)}`;
}

/** A number of bytes: "512 B", "1.5 kB", "9.83 GB", in powers of 1000. */
export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = n;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** "1 image", "2 images". */
export const amount = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;

/** Columns aligned under a head; cells that are numbers are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const text = [
    head,
    ...rows.map((row) => row.map((cell) => (typeof cell === "number" ? figure(cell) : cell))),
  ];
  const widths = head.map((_, i) => Math.max(...text.map((row) => row[i]!.length)));
  const right = head.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "number"));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return text.map((row) => `${line(row)}\n`).join("");
}

/** "name  value" lines, the values in one column. */
export function pairs(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries
    .map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd())
    .join("\n")
    .concat("\n");
}
