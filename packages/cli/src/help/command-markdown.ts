import type { Grammar } from "../argv/read.js";
import { type CommandDoc, sectionsOf, usageOf } from "./command-help.js";

/** A command's help as a Markdown page: for the reference of the documentation's site. */
export function commandMarkdown(doc: CommandDoc, grammar: Grammar): string {
  const parts = [`# saev ${doc.name}`, doc.summary, fenced(usageOf(doc, grammar)), ...doc.details];
  parts.push("## Examples", ...doc.examples.map(([what, line]) => `${what}\n\n${fenced(line)}`));
  for (const { title, intro, entries } of sectionsOf(grammar.options, grammar.table)) {
    parts.push(`## ${title}`);
    if (intro !== undefined) parts.push(intro);
    if (entries.length === 0) continue;
    const rows = entries.map(({ name, after, doc: text, note }) => {
      const value = note?.replace(/^\(default: (.*)\)$/s, "$1") ?? "";
      return row([code(after ? `${name} ${after}` : name), prose(text), value === "" ? "" : code(value)]);
    });
    parts.push([row(["flag", "meaning", "default"]), row(["---", "---", "---"]), ...rows].join("\n"));
  }
  return `${parts.map((part) => (part.startsWith("|") || part.startsWith("`") ? part : prose(part))).join("\n\n")}\n`;
}

const fenced = (text: string): string => `\`\`\`text\n${text}\n\`\`\``;
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
/** In a cell of a table a bar ends the cell, also inside code. */
const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``;
/** What Markdown, HTML and Vue would read as theirs. */
const prose = (text: string): string =>
  text.replace(/[<>|*_[\]{}]/g, (sign) => (sign === "<" ? "&lt;" : sign === ">" ? "&gt;" : `\\${sign}`));
