import type { FieldGroup, Flag, FlagTable } from "@saev/config";
import type { Option } from "../argv/option.js";
import type { Grammar } from "../argv/read.js";
import { columnOf, type Entry, entryLines, wrap } from "./layout.js";
import type { Style } from "./style.js";

/** What help says about a command beside its flags. */
export interface CommandDoc {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Paragraphs below it. */
  readonly details: readonly string[];
  /** What each example does, and its line. */
  readonly examples: readonly (readonly [what: string, line: string])[];
}

const titles: Readonly<Record<FieldGroup, string>> = {
  data: "Data",
  model: "Model",
  training: "Training",
  selection: "Selection",
  output: "Output",
  tracking: "Tracking",
  hardware: "Hardware",
  slurm: "Slurm",
};

/** The whole help of a command: usage, examples, its options, the fields of its config by group, its unions. */
export function commandHelp(doc: CommandDoc, grammar: Grammar, style: Style, width: number): string {
  const { table, options } = grammar;
  const lines: string[] = [];
  const paragraph = (text: string) => lines.push(...wrap(text, width), "");
  const [first = "", ...others] = wrap(usageOf(doc, grammar), width - 7);
  lines.push(`${style.bold("Usage:")} ${first}`, ...others.map((line) => `       ${line}`), "");
  paragraph(doc.summary);
  for (const text of doc.details) paragraph(text);
  lines.push(style.bold("Examples:"));
  for (const [what, line] of doc.examples) {
    lines.push(...wrap(what, width - 4).map((l) => `  ${style.dim(`# ${l}`)}`), `  ${line}`);
  }
  lines.push("");

  const sections = sectionsOf(options, table);
  const column = columnOf(
    sections.flatMap((s) => s.entries),
    width,
  );
  for (const { title, intro, entries } of sections) {
    lines.push(style.bold(`${title}:`));
    if (intro !== undefined) lines.push(...wrap(intro, width - 2).map((line) => `  ${line}`));
    for (const entry of entries) {
      const styles = { name: style.accent, after: (t: string) => t, note: style.dim };
      lines.push(...entryLines(entry, column, width, styles));
    }
    lines.push("");
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

/** A command's line in short. */
export const usageOf = (doc: CommandDoc, { table, positionals = [] }: Grammar): string =>
  [
    `saev ${doc.name}`,
    ...positionals,
    "[FLAGS]",
    ...(table?.unions ?? []).map((u) => `[${u.path}:KIND [FLAGS]]`),
  ].join(" ");

/** Entries of a command's help under one title. */
export interface Section {
  readonly title: string;
  readonly intro?: string;
  readonly entries: readonly Entry[];
}

/** Options of the command itself, the fields of its config by group, the members of its unions. */
export function sectionsOf(options: readonly Option[], table: FlagTable | undefined): Section[] {
  const sections: Section[] = [{ title: "Options", entries: options.map(optionEntry) }];
  for (const [group, title] of Object.entries(titles)) {
    const flags = (table?.flags ?? []).filter((flag) => flag.group === group);
    if (flags.length > 0) sections.push({ title, entries: flags.map(flagEntry) });
  }
  for (const { path, doc, members } of table?.unions ?? []) {
    for (const { subcommand, doc: memberDoc, isDefault, flags } of members) {
      const title = `${subcommand}${isDefault ? " (default)" : ""}`;
      const none = flags.length === 0 ? " It has no flags." : "";
      sections.push({
        title,
        intro: `${doc.replace(/\.$/, "")} (${path}): ${memberDoc}${none}`,
        entries: flags.map(flagEntry),
      });
    }
  }
  return sections;
}

const optionEntry = ({ flag, short, metavar, doc, choices, default: value }: Option): Entry => ({
  name: short === undefined ? flag : `${short}, ${flag}`,
  after: metavar,
  doc,
  ...(choices === undefined
    ? {}
    : { note: value === undefined ? "(required)" : `(default: ${shown(value)})` }),
});

const flagEntry = ({ flag, negation, type, metavar, doc, default: value }: Flag): Entry => ({
  name: negation === undefined || type === "path-switch" ? flag : `${flag}, ${negation}`,
  after: metavar,
  doc: type === "path-switch" ? `${doc} ${negation} turns it off.` : doc,
  note: `(default: ${shown(value)})`,
});

/** A default as it would be typed. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(" ");
  if (typeof value === "string") return value === "" ? '""' : value;
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) >= 10_000) {
    return value.toLocaleString("en-US").replaceAll(",", "_");
  }
  return String(value);
}
