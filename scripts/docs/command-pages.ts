import { fileURLToPath } from "node:url";
import { commandMarkdown, commands, main } from "@saev/cli";

/** The page of a command in the reference. */
export interface CommandPage {
  readonly name: string;
  readonly summary: string;
  /** Markdown. */
  readonly text: string;
}

/** A page for each command, made of what `saev COMMAND --help` shows. */
export async function commandPages(): Promise<readonly CommandPage[]> {
  const pages: CommandPage[] = [];
  for (const { name, summary } of commands) {
    let text = "";
    const out = {
      write: (piece: string) => {
        text += piece;
      },
    };
    const code = await main([name, "--help"], { stdout: out, stderr: out, env: {}, help: commandMarkdown });
    if (code !== 0) throw new Error(`saev ${name} --help: exit code ${code}\n${text}`);
    pages.push({ name, summary, text });
  }
  return pages;
}

// By itself it prints them as JSON.
if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await commandPages()));
