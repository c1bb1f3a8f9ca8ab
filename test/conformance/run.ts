/**
 * `npm run conformance [-- FOLDER]`: every comparison with the reference as a table. Exit codes: 0 all hold,
 * 1 something falls short or an area failed, 2 usage.
 */
import path from "node:path";
import { type Outcome, passes } from "./area.js";
import { areaNames, hasReference, loadArea, referenceFolder } from "./reference.js";

interface Row {
  readonly area: string;
  readonly outcome: Outcome;
}

const args = process.argv.slice(2);
if (args.length > 1 || args[0]?.startsWith("-")) {
  process.stderr.write("usage: npm run conformance [-- FOLDER]\n");
  process.exit(2);
}
const folder = args[0] ? path.resolve(process.env.INIT_CWD ?? process.cwd(), args[0]) : referenceFolder();
if (!hasReference(folder)) {
  process.stderr.write(`no reference at ${folder}: give a folder, or set SAEV_REFERENCE\n`);
  process.exit(1);
}
console.log(`comparing with ${folder}`);

const rows: Row[] = [];
const failures: string[] = [];
for (const file of areaNames()) {
  const started = performance.now();
  let name = file;
  const before = rows.length;
  try {
    const area = await loadArea(file);
    name = area.name;
    for await (const outcome of area.run(folder)) rows.push({ area: name, outcome });
    if (rows.length === before) failures.push(`${name}: compared nothing`);
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${rows.length - before} comparisons in ${seconds} s`);
}

print(rows);
const short = rows.filter((row) => !passes(row.outcome));
for (const failure of failures) console.error(`\nfailed: ${failure}`);
console.log(
  `\n${rows.length} comparisons: ${rows.length - short.length} hold, ${short.length} fall short` +
    (failures.length > 0 ? `; ${failures.length} areas failed` : ""),
);
if (rows.length === 0) console.error("nothing was compared");
process.exitCode = short.length + failures.length > 0 || rows.length === 0 ? 1 : 0;

function print(all: readonly Row[]): void {
  const cells = all.map(({ area, outcome }) => [
    area,
    outcome.subject,
    figure(outcome.deviation),
    figure(outcome.tolerance),
    passes(outcome) ? "holds" : "FALLS SHORT",
    outcome.note ?? "",
  ]);
  const table = [["area", "subject", "deviation", "tolerance", "verdict", "note"], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  console.log();
  for (const row of table) {
    console.log(
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
        .join("  ")
        .trimEnd(),
    );
  }
}

function figure(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  return value.toExponential(2);
}
