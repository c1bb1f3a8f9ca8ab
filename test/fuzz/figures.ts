import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./folders.js";
import type { FuzzResult } from "./result.js";

const file = path.join(root, "docs/security.md");
const begin = "<!-- figures of npm run fuzz -- NAME --record -->";
const end = "<!-- end of figures -->";

/** Puts a run into the table of docs/security.md, in place of the one before. */
export function record(result: FuzzResult): void {
  const text = readFileSync(file, "utf8");
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (from < begin.length || to < 0) throw new Error(`${file}: the marks of its table are gone`);
  const rows = text
    .slice(from, to)
    .split("\n")
    .filter((line) => line.startsWith("| `") && !line.startsWith(`| \`${result.name}\``));
  rows.push(row(result));
  const table = [
    "| target | inputs | coverage | inputs kept | seconds | open findings |",
    "| --- | ---: | --- | ---: | ---: | ---: |",
    ...rows.sort(),
  ].join("\n");
  writeFileSync(file, `${text.slice(0, from)}\n\n${table}\n\n${text.slice(to)}`);
}

const row = ({ name, inputs, coverage, corpus, seconds, findings }: FuzzResult): string =>
  `| \`${name}\` | ${inputs.toLocaleString("en")} | ${coverage} | ${corpus} | ${seconds.toFixed(0)} | ${findings.length} |`;
