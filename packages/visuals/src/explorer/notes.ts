import { existsSync, readFileSync } from "node:fs";
import { SaevError } from "@saev/core";
import { writeFileAtomic } from "../write-file.js";
import type { Note, Notes as NotesByLatent } from "./api.js";

/** Longest name and longest note, in UTF-16 units. */
export const longestName = 200;
export const longestNote = 20_000;

/**
 * A person's names and notes on latents, in a plain JSON file: `{"12": {"name": "…", "note": "…"}}`. Written whole, after
 * each change, in the order of changes.
 */
export class Notes {
  #queue: Promise<unknown> = Promise.resolve();

  constructor(readonly file: string) {}

  /** As the file has them now: another program may have written it. @throws SaevError `BAD_FILE`. */
  read(): NotesByLatent {
    if (!existsSync(this.file)) return {};
    let found: unknown;
    try {
      found = JSON.parse(readFileSync(this.file, "utf8"));
    } catch (cause) {
      throw new SaevError("BAD_FILE", `${this.file}: ${(cause as Error).message}; mend it or move it away`, {
        cause,
      });
    }
    const entries = Object.entries((found ?? {}) as Record<string, unknown>);
    return Object.fromEntries(
      entries.filter((entry): entry is [string, Note] => /^\d+$/.test(entry[0]) && isNote(entry[1])),
    );
  }

  /** Sets a latent's note; an empty one removes it. @throws SaevError `INVALID_ARGUMENT`, `BAD_FILE`, `IO`. */
  write(latent: number, note: unknown): Promise<void> {
    if (!isNote(note) || note.name.length > longestName || note.note.length > longestNote) {
      throw new SaevError(
        "INVALID_ARGUMENT",
        `expected {"name": at most ${longestName} characters, "note": at most ${longestNote}}`,
      );
    }
    const { name, note: text } = note;
    const written = this.#queue.then(async () => {
      const { [String(latent)]: _, ...others } = this.read();
      const all = name === "" && text === "" ? others : { ...others, [latent]: { name, note: text } };
      await writeFileAtomic(this.file, `${JSON.stringify(all, null, 2)}\n`);
    });
    this.#queue = written.catch(() => {});
    return written;
  }
}

const isNote = (value: unknown): value is Note => {
  const { name, note } = (value ?? {}) as Partial<Note>;
  return typeof name === "string" && typeof note === "string";
};
