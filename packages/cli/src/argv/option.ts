import type { Flag } from "@saev/config";

/** A flag of the command itself, beside those that set fields of a config. */
export interface Option extends Omit<Flag, "group"> {
  /** A one-letter form, e.g. "-h". */
  readonly short?: string;
}

/** An option without a value. */
export const toggle = (name: string, doc: string, short?: string): Option => ({
  path: name,
  flag: `--${name}`,
  type: "bool",
  metavar: "",
  arity: 0,
  default: false,
  expected: "true or false",
  doc,
  ...(short === undefined ? {} : { short }),
});

/** An option that is followed by a file's path. */
export const file = (name: string, doc: string): Option => ({
  path: name,
  flag: `--${name}`,
  type: "string",
  metavar: "FILE",
  arity: 1,
  default: undefined,
  expected: "the path of a file",
  doc,
});

/** An option that is followed by a folder's path. */
export const folder = (name: string, doc: string): Option => ({
  ...file(name, doc),
  metavar: "FOLDER",
  expected: "the path of a folder",
});

/** An option that is followed by a word; `metavar` names it in the help. */
export const text = (name: string, metavar: string, expected: string, doc: string): Option => ({
  path: name,
  flag: `--${name}`,
  type: "string",
  metavar,
  arity: 1,
  default: undefined,
  expected,
  doc,
});

/** An option that is followed by a whole number. */
export const whole = (name: string, metavar: string, expected: string, doc: string): Option => ({
  ...text(name, metavar, expected, doc),
  type: "int",
});

/** An option that is followed by any number of whole numbers. */
export const wholes = (name: string, expected: string, doc: string): Option => ({
  ...text(name, "[INT ...]", expected, doc),
  type: "ints",
  arity: "any",
});

/** An option that is followed by one of some words, the first of which is the default. */
export const oneOf = (
  name: string,
  choices: readonly [string, string, ...string[]],
  doc: string,
): Option => ({
  path: name,
  flag: `--${name}`,
  type: "choice",
  metavar: `{${choices.join(",")}}`,
  arity: 1,
  choices,
  default: choices[0],
  expected: `${choices
    .slice(0, -1)
    .map((c) => JSON.stringify(c))
    .join(", ")} or ${JSON.stringify(choices.at(-1))}`,
  doc,
});

/** Options of every command. */
export const helpOption = toggle("help", "Show this help and exit.", "-h");
export const versionOption = toggle("version", "Show the version and exit.");
export const jsonOption = (what: string): Option => toggle("json", what);
