/** One word of a command line that names a flag, and the value that is glued to it. */
export interface FlagWord {
  /** As it was typed, without the value. */
  readonly typed: string;
  /** With "_" written "-", as flags are named: "--sae.exp-factor". */
  readonly name: string;
  /** What follows the first "=". */
  readonly inline?: string;
}

/** A negative number is a value, not a flag; so are "-inf" and "-.5". */
const number = /^[-+]?(\.?\d|inf(inity)?$|nan$)/i;

/** The flag that a word names, or undefined when the word is a value. A lone "-" is a value. */
export function flagWord(word: string): FlagWord | undefined {
  if (!word.startsWith("-") || word === "-" || number.test(word)) return undefined;
  const equals = word.indexOf("=");
  const typed = equals === -1 ? word : word.slice(0, equals);
  const name = typed.startsWith("--") ? typed.replaceAll("_", "-") : typed;
  return { typed, name, ...(equals === -1 ? {} : { inline: word.slice(equals + 1) }) };
}
