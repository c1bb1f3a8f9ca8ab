import type { Flag } from "@saev/config";

/** What the words after a flag mean, or what was expected of them instead. */
export type Converted = { readonly value: unknown } | { readonly expected: string; readonly found: string };

/** Reads the words after a flag as the flag's type says. Ranges of numbers and the like are the schema's to check. */
export function convert(
  flag: Pick<Flag, "type" | "choices" | "expected">,
  words: readonly string[],
): Converted {
  const wrong = { expected: flag.expected, found: words.map((w) => JSON.stringify(w)).join(" ") };
  const each = <T>(read: (word: string) => T | undefined, pack: (values: T[]) => unknown): Converted => {
    const values: T[] = [];
    for (const word of words) {
      const value = read(word);
      if (value === undefined) return { expected: flag.expected, found: JSON.stringify(word) };
      values.push(value);
    }
    return { value: pack(values) };
  };
  const first = <T>(values: T[]): T | undefined => values[0];
  switch (flag.type) {
    case "int":
      return each(readInt, first);
    case "float":
      return each(readFloat, first);
    case "bool":
      return each(readBool, first);
    case "ints":
      return each(readInt, (values) => values);
    case "range":
      return each(readFloat, (values) => values);
    case "int-or-choice":
      return each((word) => readInt(word) ?? readChoice(word, flag.choices), first);
    case "bool-or-choice":
      return each((word) => readBool(word) ?? readChoice(word, flag.choices), first);
    case "choice":
      return each((word) => readChoice(word, flag.choices), first);
    case "path-switch": {
      const [word] = words;
      return word === "" || word === undefined ? wrong : { value: readBool(word) ?? word };
    }
    case "string":
      return { value: words[0] };
  }
}

const digits = String.raw`\d+(?:_\d+)*`;
const whole = new RegExp(`^[-+]?${digits}$`);
const decimal = new RegExp(
  String.raw`^[-+]?(?:${digits}\.?(?:${digits})?|\.${digits})(?:e[-+]?${digits})?$`,
  "i",
);

/** A whole number as Python writes it (`2_400_000`), and one in scientific notation that is whole (`1e6`). */
export function readInt(word: string): number | undefined {
  if (!whole.test(word) && !/e/i.test(word)) return undefined;
  const value = readFloat(word);
  return Number.isInteger(value) ? value : undefined;
}

/** A number as Python's `float` reads it: digit separators, exponents, "inf", "nan". */
export function readFloat(word: string): number | undefined {
  if (decimal.test(word)) return Number(word.replaceAll("_", ""));
  const [, sign, name] = /^([-+]?)(inf|infinity|nan)$/i.exec(word) ?? [];
  if (name === undefined) return undefined;
  return name.toLowerCase() === "nan" ? Number.NaN : sign === "-" ? -Infinity : Infinity;
}

/** "True" and "False", in any case. */
export function readBool(word: string): boolean | undefined {
  const lower = word.toLowerCase();
  return lower === "true" ? true : lower === "false" ? false : undefined;
}

const readChoice = (word: string, choices: readonly string[] = []): string | undefined =>
  choices.includes(word) ? word : undefined;
