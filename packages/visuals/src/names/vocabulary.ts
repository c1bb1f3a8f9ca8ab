import { readFile } from "node:fs/promises";
import { SaevError } from "@saev/core";

/** Words that latents are named with. */
export interface Vocabulary {
  readonly words: readonly string[];
  /** The file that they are from; undefined for the one that comes along. */
  readonly file: string | undefined;
}

/** Words of a vocabulary: more would be a corpus, and fewer say nothing of how a word stands out. */
const mostWords = 200_000;
const fewestWords = 3;

/**
 * Reads a vocabulary: a word or a phrase a line; empty lines and those that begin with "#" do not count, and a word that comes
 * twice counts once.
 * @param file default: 5,059 common English nouns and adjectives (`data/vocabulary.txt`).
 * @throws SaevError `NOT_FOUND`, `IO`, `BAD_FILE` for fewer than 3 words and for more than 200,000.
 */
export async function readVocabulary(file?: string): Promise<Vocabulary> {
  const from = file ?? new URL("../../data/vocabulary.txt", import.meta.url);
  return { words: await readWordList(from, "vocabulary", fewestWords, mostWords), file };
}

/**
 * A list of words, one a line, as {@link readVocabulary} reads it.
 * @param what names the list in messages.
 * @throws SaevError `NOT_FOUND`, `IO`, `BAD_FILE` for fewer than `fewest` words and for more than `most`.
 */
export async function readWordList(
  file: string | URL,
  what: string,
  fewest: number,
  most: number,
): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === "ENOENT" ? "NOT_FOUND" : "IO";
    throw new SaevError(code, `${what} ${file}: ${cause.message}`, { cause });
  });
  const lines = text.split("\n").map((line) => line.trim());
  const words = [...new Set(lines.filter((line) => line !== "" && !line.startsWith("#")))];
  if (words.length >= fewest && words.length <= most) return words;
  throw new SaevError(
    "BAD_FILE",
    `${what} ${file}: expected ${fewest} to ${most} words, one a line, found ${words.length}`,
  );
}
