/** Holds two words together on one line. */
const noBreak = "\u00a0";

/** Words of `text` in lines of at most `width` characters; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/[ \t\n]+/).filter((w) => w !== "")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  if (line !== "") lines.push(line);
  return lines;
}

/** An entry of a list: a name, what follows it, and what it is for. */
export interface Entry {
  readonly name: string;
  /** Set apart from the name, e.g. "INT". */
  readonly after?: string;
  readonly doc: string;
  /** Set apart from the doc, e.g. "(default: 8)". */
  readonly note?: string;
}

const indent = 2;
const gap = 2;

/** Width of the names' column that most of these entries fit in, within a third of the width. */
export function columnOf(entries: readonly Entry[], width: number): number {
  const most = Math.max(16, Math.floor(width / 3));
  const lengths = entries.map(labelLength).filter((n) => n <= most);
  return Math.max(8, ...lengths);
}

const labelLength = ({ name, after }: Entry): number => name.length + (after ? after.length + 1 : 0);

/** The lines of one entry: its label, then its text in a column, or below when either is too wide. */
export function entryLines(
  entry: Entry,
  column: number,
  width: number,
  styled: { name(text: string): string; after(text: string): string; note(text: string): string },
): string[] {
  const narrow = width < 50;
  const left = narrow ? indent + 4 : indent + column + gap;
  const room = Math.max(10, width - left);
  const { name, after, doc, note } = entry;
  const label = styled.name(name) + (after ? ` ${styled.after(after)}` : "");
  const held = note?.replaceAll(" ", noBreak);
  const text = wrap(held ? `${doc} ${held}` : doc, room).map((line) => line.replaceAll(noBreak, " "));
  const body = text.map((line) =>
    note && line.includes(note) ? line.replace(note, () => styled.note(note)) : line,
  );
  const pad = " ".repeat(left);
  const used = labelLength(entry);
  if (narrow || used > column) return [`${" ".repeat(indent)}${label}`, ...body.map((line) => pad + line)];
  const [first = "", ...others] = body;
  const start = `${" ".repeat(indent)}${label}${" ".repeat(column - used + gap)}${first}`;
  return [start.trimEnd(), ...others.map((line) => pad + line)];
}
