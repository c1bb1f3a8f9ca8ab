/** The fenced blocks of a Markdown page. */
export interface Block {
  /** First word after the fence: "sh", "ts" …; "" where there is none. */
  readonly language: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** Why the tests do not run it, as the line before it says: `_Not run by the tests: REASON._` */
  readonly notRun: string | undefined;
}

/** Languages whose blocks do something. All others are for reading, but `toml` with a name is a file (see `fileOf`). */
const programs = new Set(["sh", "bash", "console", "ts", "js", "py", "python", "sql"]);

export const isProgram = ({ language }: Block): boolean => programs.has(language);

/** A `toml` block that begins with `# name.toml` is that file. */
export function fileOf({ language, text }: Block): string | undefined {
  return language === "toml" ? /^# (\S+\.toml)\b/.exec(text)?.[1] : undefined;
}

export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\S*).*\n([\s\S]*?)^```$/gm)].map((match) => {
    const before = markdown.slice(0, match.index).trimEnd();
    return {
      language: match[1]!,
      text: match[2]!,
      line: markdown.slice(0, match.index).split("\n").length,
      notRun: /(?:^|\n)_Not run by the tests: (.+)\._$/.exec(before)?.[1],
    };
  });
}

/** The commands of a block for a shell: of a console's, what follows its prompts. */
export function commandsOf({ language, text }: Block): string {
  if (language !== "console") return text;
  const lines: string[] = [];
  let goesOn = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("$ ")) lines.push(line.slice(2));
    else if (goesOn) lines.push(line);
    goesOn = /\\$/.test(line) && (goesOn || line.startsWith("$ "));
  }
  return `${lines.join("\n")}\n`;
}
