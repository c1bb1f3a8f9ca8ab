import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { SaevError, withLock } from "@saev/core";
import { writeFileAtomic } from "../write-file.js";
import type { Note, NoteChange, Notes as NotesByLatent } from "./api.js";

/** Longest name and longest note, in UTF-16 units. */
export const longestName = 200;
export const longestNote = 20_000;

/** A change takes some milliseconds: a silent owner has ended sooner than one of a download. */
const lockTimes = { beatMs: 1000, staleMs: 5000, patienceMs: 10_000 };

/**
 * A person's names and notes on latents, in a plain JSON file: `{"12": {"name": "…", "note": "…"}}`. Written whole, after
 * each change, in the order of changes; entries of another form, which somebody else put there, stay as they are.
 */
export class Notes {
  #queue: Promise<unknown> = Promise.resolve();

  constructor(readonly file: string) {}

  /** As the file has them now: another program may have written it. @throws SaevError `BAD_FILE`. */
  read(): NotesByLatent {
    const entries = Object.entries(this.#entries());
    return Object.fromEntries(
      entries.filter((entry): entry is [string, Note] => /^\d+$/.test(entry[0]) && isNote(entry[1])),
    );
  }

  /**
   * Sets a latent's note; an empty one removes it.
   * @param given a {@link NoteChange}.
   * @throws SaevError `INVALID_ARGUMENT`, `BAD_FILE`, `IO` with what to do; {@link ChangedMeanwhile}.
   */
  write(latent: number, given: unknown): Promise<void> {
    const { was } = (given ?? {}) as Partial<NoteChange>;
    if (
      !(isNote(given) && given.name.length <= longestName && given.note.length <= longestNote) ||
      !(was === undefined || isNote(was))
    ) {
      throw new SaevError(
        "INVALID_ARGUMENT",
        `expected {"name": at most ${longestName} characters, "note": at most ${longestNote}}`,
      );
    }
    const { name, note: text } = given;
    const set = async () => {
      const { [String(latent)]: found, ...others } = this.#entries();
      const there = isNote(found) ? { name: found.name, note: found.note } : empty;
      if (was && (was.name !== there.name || was.note !== there.note)) throw new ChangedMeanwhile(there);
      const all = name === "" && text === "" ? others : { ...others, [latent]: { name, note: text } };
      await writeFileAtomic(this.file, `${JSON.stringify(all, null, 2)}\n`);
    };
    // One change after another, here and in other programs on the same folder: each is made to what the last one left.
    const written = this.#queue
      .then(() => withLock(`${this.file}.lock`, set, lockTimes))
      .catch((error) => {
        throw this.#said(error);
      });
    this.#queue = written.catch(() => {});
    return written;
  }

  /** A failure to write, with what a person can do; others as they are. */
  #said(error: unknown): unknown {
    if (!(error instanceof SaevError) || !["IO", "NOT_FOUND"].includes(error.code)) return error;
    const folder = path.dirname(this.file);
    return new SaevError(
      "IO",
      `the note is not saved: cannot write ${this.file} (${error.message}). ` +
        `What was saved before is as it was, and what you typed is still here: make ${folder} writable and save again, ` +
        "or open a copy of it that you may write to with saev explore",
      { cause: error },
    );
  }

  /** All that the file holds. @throws SaevError `BAD_FILE`. */
  #entries(): Record<string, unknown> {
    if (!existsSync(this.file)) return {};
    try {
      const found: unknown = JSON.parse(readFileSync(this.file, "utf8"));
      if (found !== null && typeof found === "object" && !Array.isArray(found))
        return found as Record<string, unknown>;
      throw new Error("expected an object of notes by latent");
    } catch (cause) {
      throw new SaevError("BAD_FILE", `${this.file}: ${(cause as Error).message}; mend it or move it away`, {
        cause,
      });
    }
  }
}

/** Somebody else, or another tab, wrote about the latent since the person saw what was written of it. */
export class ChangedMeanwhile extends Error {
  constructor(readonly there: Note) {
    super("the note was changed elsewhere meanwhile");
  }
}

const empty: Note = { name: "", note: "" };

const isNote = (value: unknown): value is Note => {
  const { name, note } = (value ?? {}) as Partial<Note>;
  return typeof name === "string" && typeof note === "string";
};
