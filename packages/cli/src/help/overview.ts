import { columnOf, entryLines, wrap } from "./layout.js";
import type { Style } from "./style.js";

/** What `saev --help` says about one command. */
export interface CommandLineDoc {
  readonly name: string;
  readonly summary: string;
}

/** The text of `saev --help`. */
export function overview(commands: readonly CommandLineDoc[], style: Style, width: number): string {
  const lines = [
    `${style.bold("Usage:")} saev COMMAND [FLAGS]`,
    "",
    ...wrap(
      "Sparse autoencoders for vision transformers: record activations, train, look at latents.",
      width,
    ),
    "",
    style.bold("Commands:"),
  ];
  const entries = commands.map(({ name, summary }) => ({ name, doc: summary }));
  const styles = { name: style.accent, after: (t: string) => t, note: style.dim };
  const column = columnOf(entries, width);
  for (const entry of entries) lines.push(...entryLines(entry, column, width, styles));
  lines.push("", style.bold("Options:"));
  for (const [name, doc] of [
    ["-h, --help", "Show this help, or a command's: saev COMMAND --help."],
    ["--version", "Show the version."],
  ] as const) {
    lines.push(...entryLines({ name, doc }, Math.max(column, 10), width, styles));
  }
  lines.push("", style.bold("Environment:"));
  for (const [name, doc] of [
    ["SAEV_DEBUG=1", "Errors come with their stack."],
    ["NO_COLOR=1", "No colour, also on a terminal."],
  ] as const) {
    lines.push(...entryLines({ name, doc }, Math.max(column, 12), width, styles));
  }
  lines.push("", ...wrap("Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.", width));
  return `${lines.join("\n")}\n`;
}
