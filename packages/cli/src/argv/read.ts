import { type Flag, type FlagTable, type FlagUnion, nearestName } from "@saev/config";
import { didYouMean, nearestNames } from "./nearest.js";
import type { Option } from "./option.js";
import { convert, readBool } from "./value.js";
import { flagWord } from "./words.js";

/** What a command takes: flags of a config, options of its own, words without a flag. */
export interface Grammar {
  readonly table?: FlagTable;
  readonly options: readonly Option[];
  /**
   * Names of the words it wants, in order, e.g. ["PATH"]; those in brackets, at the end, may be left out: ["[FILTER]"]; a
   * last one that ends in "…" takes all that come: ["PATH…"].
   */
  readonly positionals?: readonly string[];
}

/** A field that the command line sets. */
export interface Setting {
  /** Path in the config, e.g. "sae.exp_factor". */
  readonly path: string;
  readonly value: unknown;
  /** The flag as messages name it. */
  readonly flag: string;
}

export interface CommandLine {
  readonly settings: readonly Setting[];
  /** The `kind` that a subcommand chose for a union, by the union's path. */
  readonly kinds: ReadonlyMap<string, string>;
  /** Values of options by their `path`; options that were not given are absent. */
  readonly options: ReadonlyMap<string, unknown>;
  readonly positionals: readonly string[];
  /** Everything that is wrong, one line each. */
  readonly mistakes: readonly string[];
}

/** The field or option behind a flag's name; a field of several members of a union is listed once for each. */
interface Known {
  readonly flags: readonly (Flag | Option)[];
  /** Members of the union that have it, as subcommands; empty for a flag of the parent. */
  readonly members: readonly string[];
  readonly union?: FlagUnion;
  readonly value?: boolean;
  readonly isOption: boolean;
}

interface Given {
  readonly typed: string;
  readonly known: Known;
  readonly words: readonly string[];
  /** How many words follow: mistakes are listed in the order of the words. */
  readonly left: number;
}

type Complain = (left: number, mistake: string) => void;

/**
 * Reads the words after a command's name as users of the Python package type them: `--a.b-c 1`, `--a.b_c=1`, negative
 * numbers and lists after a space, `--no-x`, `sae:relu` with its flags anywhere after or before it. A flag given twice
 * counts as given last. Nothing throws: all mistakes are listed.
 */
export function readWords(grammar: Grammar, words: readonly string[]): CommandLine {
  const known = namesOf(grammar);
  const unions = grammar.table?.unions ?? [];
  const given: Given[] = [];
  const found: { left: number; mistake: string }[] = [];
  const complain: Complain = (left, mistake) => found.push({ left, mistake });
  const positionals: string[] = [];
  const kinds = new Map<string, string>();
  const wanted = grammar.positionals ?? [];
  const mostWanted = wanted.at(-1)?.endsWith("…") ? Number.POSITIVE_INFINITY : wanted.length;
  let rest = words;

  const unionOf = (word: string): FlagUnion | undefined => unions.find((u) => word.startsWith(`${u.path}:`));
  const isValue = (word: string | undefined): word is string =>
    word !== undefined && flagWord(word) === undefined;
  const take = (): string => {
    const [word, ...others] = rest;
    rest = others;
    return word!;
  };
  const takeValues = (most: number): string[] => {
    const values: string[] = [];
    while (values.length < most && isValue(rest[0]) && unionOf(rest[0]) === undefined) values.push(take());
    return values;
  };

  while (rest.length > 0) {
    const left = rest.length;
    const word = take();
    if (word === "--") {
      positionals.push(...rest);
      break;
    }
    const flag = flagWord(word);
    const union = unionOf(word);
    if (flag !== undefined) {
      const entry = known.get(flag.name);
      if (entry === undefined) {
        const members = unions.find((u) => flag.name === `--${u.path}`)?.members.map((m) => m.subcommand);
        const near = members ?? nearestNames(flag.typed, known.keys());
        complain(left, `${flag.typed}: no such flag${didYouMean(near)}`);
        // What follows was its value, unless the command takes words of its own.
        if (wanted.length === 0) takeValues(Number.POSITIVE_INFINITY);
        continue;
      }
      const { type, arity } = entry.flags[0]!;
      const giveWords = (words: string[]) => given.push({ typed: flag.typed, known: entry, words, left });
      if (entry.value !== undefined) {
        if (flag.inline !== undefined)
          complain(left, `${flag.typed}: takes no value, found ${JSON.stringify(flag.inline)}`);
        giveWords([]);
      } else if (flag.inline !== undefined) giveWords([flag.inline]);
      // No other word that can follow reads "True", or is one of the choices.
      else if (type === "bool" || type === "bool-or-choice") giveWords(means(entry, rest[0]) ? [take()] : []);
      else if (type === "string" && isValue(rest[0])) giveWords([take()]);
      else giveWords(takeValues(arity === "any" ? Number.POSITIVE_INFINITY : arity));
    } else if (union !== undefined) {
      const member = union.members.find((m) => m.subcommand === word.replaceAll("_", "-"));
      const names = union.members.map((m) => m.subcommand);
      if (member === undefined) {
        const near = nearestNames(word, names);
        complain(left, `${word}: no such subcommand${didYouMean(near.length > 0 ? near : names)}`);
      } else if (kinds.has(union.path) && kinds.get(union.path) !== member.kind) {
        complain(
          left,
          `${word}: ${union.path}:${kinds.get(union.path)} was chosen before; give one of the two`,
        );
      } else kinds.set(union.path, member.kind);
    } else if (positionals.length < mostWanted) positionals.push(word);
    else complain(left, unexpected(word, unions));
  }
  const missing = wanted.slice(positionals.length).filter((name) => !name.startsWith("["));
  for (const name of missing) complain(0, `${name}: is missing`);
  for (const word of positionals.slice(mostWanted)) complain(0, unexpected(word, unions));

  const settings = new Map<string, Setting>();
  const options = new Map<string, unknown>();
  for (const { typed, known: entry, words: values, left } of given) {
    const kind = entry.union && kinds.get(entry.union.path);
    const at = kind === undefined ? 0 : entry.members.indexOf(`${entry.union!.path}:${kind}`);
    if (at === -1) {
      complain(
        left,
        `${typed}: belongs to ${entry.members.join(" or ")}, and ${entry.union!.path}:${kind} was chosen`,
      );
      continue;
    }
    const target = entry.flags[at]!;
    const value =
      entry.value === undefined
        ? converted(typed, target, values, (mistake) => complain(left, mistake))
        : { value: entry.value };
    if (value === undefined) continue;
    if (entry.isOption) options.set(target.path, value.value);
    else settings.set(target.path, { path: target.path, value: value.value, flag: target.flag });
  }
  const mistakes = found.sort((a, b) => b.left - a.left).map(({ mistake }) => mistake);
  return { settings: [...settings.values()], kinds, options, positionals, mistakes };
}

/** Whether a word is a switch's value. */
const means = ({ flags: [flag] }: Known, word: string | undefined): boolean =>
  word !== undefined && (readBool(word) !== undefined || flag!.choices?.includes(word) === true);

function converted(
  typed: string,
  flag: Flag | Option,
  words: readonly string[],
  complain: (mistake: string) => void,
): { value: unknown } | undefined {
  if (words.length === 0 && ["bool", "bool-or-choice", "path-switch"].includes(flag.type))
    return { value: true };
  if (flag.arity !== "any" && flag.arity > 0 && words.length < flag.arity) {
    const dash = flag.type === "string" ? `; write ${typed}=VALUE when it begins with "-"` : "";
    const found = words.length === 0 ? "nothing" : words.map((w) => JSON.stringify(w)).join(" ");
    complain(`${typed}: expected ${flag.expected}, found ${found}${dash}`);
    return undefined;
  }
  const result = convert(flag, words);
  if ("value" in result) return result;
  const near = words.length === 1 && flag.choices ? nearestName(words[0]!, flag.choices) : undefined;
  const hint = near === undefined ? "" : didYouMean([JSON.stringify(near)]);
  complain(`${typed}: expected ${result.expected}, found ${result.found}${hint}`);
  return undefined;
}

function unexpected(word: string, unions: readonly FlagUnion[]): string {
  const near = nearestNames(
    word,
    unions.flatMap((u) => u.members.map((m) => m.subcommand)),
  );
  return `${word === "" ? '""' : word}: unexpected word${didYouMean(near)}`;
}

/** Every name that a flag can be typed as. */
function namesOf({ table, options }: Grammar): Map<string, Known> {
  const known = new Map<string, Known>();
  const add = (name: string, entry: Known): void => {
    const before = known.get(name);
    known.set(
      name,
      before === undefined
        ? entry
        : {
            ...before,
            flags: [...before.flags, ...entry.flags],
            members: [...before.members, ...entry.members],
          },
    );
  };
  const addFlag = (flag: Flag | Option, of: Omit<Known, "flags">): void => {
    add(flag.flag, { flags: [flag], ...of });
    if (flag.negation !== undefined) add(flag.negation, { flags: [flag], ...of, value: false });
  };
  for (const option of options) {
    addFlag(option, { members: [], isOption: true });
    if (option.short !== undefined) add(option.short, { flags: [option], members: [], isOption: true });
  }
  for (const flag of table?.flags ?? []) addFlag(flag, { members: [], isOption: false });
  for (const union of table?.unions ?? []) {
    for (const member of union.members) {
      for (const flag of member.flags)
        addFlag(flag, { members: [member.subcommand], union, isOption: false });
    }
  }
  return known;
}
