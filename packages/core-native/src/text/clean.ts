import { decodeHTML } from "entities";

/**
 * What is done to a text before it becomes tokens, by the name that open_clip gives it: "lower" for CLIP's own tokeniser,
 * "whitespace" for those of others, "canonicalize" (lower case, no ASCII punctuation) for SigLIP's.
 */
export type Cleaning = "lower" | "whitespace" | "canonicalize";

/** All names of {@link Cleaning}. */
export const cleanings = ["lower", "whitespace", "canonicalize"] as const satisfies readonly Cleaning[];

/**
 * Cleans a text as open_clip does. Of ftfy, which open_clip calls first, everything is done but the guess what a text was
 * before it was decoded wrongly ("schÃ¶n" stays).
 */
export function cleanText(text: string, how: Cleaning): string {
  const fixed = decodeHTML(decodeHTML(fixCharacters(text)));
  if (how === "canonicalize") {
    return collapse(fixed.replaceAll("_", " ").replace(punctuation, "").toLowerCase());
  }
  const even = collapse(fixed);
  return how === "lower" ? even.toLowerCase() : even;
}

/** ASCII punctuation, Python's `string.punctuation`. */
const punctuation = /[!-/:-@[-`{-~]/g;

const collapse = (text: string): string => text.replace(/\s+/g, " ").trim();

/**
 * What the control characters from 0x80 on nearly always were meant to be: Windows-1252, which Node's own decoder takes for
 * Latin-1 in some versions. "\ufffd" stands for what has no character there.
 */
const windows = "€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ";
const meant = (control: string): string => {
  const character = windows[control.charCodeAt(0) - 0x80]!;
  return character === "\ufffd" ? control : character;
};

/** Control characters that stay: of ASCII the spaces, and what windows-1252 has no character for. */
const stays = (control: string): boolean => "\t\n\f\r".includes(control) || control > "\x7f";

/** Characters that are written in another way than usual, and those that are not to be seen. */
function fixCharacters(text: string): string {
  const decoded = text.includes("<") ? text : decodeHTML(text);
  return decoded
    .replace(/[\x80-\x9f]/g, meant)
    .replace(/\p{Cc}\[[\d;]*[a-zA-Z]/gu, (code) => (code.startsWith("\x1b") ? "" : code)) // a terminal's colours
    .replace(/[Ĳĳŉ\u01c4-\u01cc\ufb00-\ufb04\ufb06]/g, (c) => c.normalize("NFKC")) // ligatures
    .replaceAll("\ufb05", "ſt")
    .replace(/[\u3000\uff01-\uffef]/g, (c) => c.normalize("NFKC")) // characters of East Asian widths
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/\r\n|[\r\u2028\u2029]/g, "\n")
    .replace(/[\ud800-\udfff]/gu, "\ufffd")
    .replace(/\p{Cc}/gu, (c) => (stays(c) ? c : ""))
    .replace(/[\u206a-\u206f\ufeff\ufff9-\ufffc]/g, "")
    .normalize("NFC");
}
