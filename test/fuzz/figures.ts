import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { markdownTable } from "../markdown-table.js";
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
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([name]) => name !== `\`${result.name}\``);
  rows.push(row(result));
  rows.sort(([a], [b]) => (a! < b! ? -1 : 1));
  const head = ["target", "inputs", "coverage", "inputs kept", "seconds", "open findings"];
  writeFileSync(
    file,
    `${text.slice(0, from)}\n\n${markdownTable(head, rows, [1, 3, 4, 5])}\n\n${text.slice(to)}`,
  );
}

const row = ({ name, inputs, coverage, corpus, seconds, findings }: FuzzResult): string[] => [
  `\`${name}\``,
  inputs.toLocaleString("en"),
  coverage,
  String(corpus),
  seconds.toFixed(0),
  String(findings.length),
];
