import type { Field, FieldGroup, FieldType, Spec } from "./fields.js";
import { expectedOf } from "./parse.js";
import { type Schema, specsOf } from "./schema.js";

/** One flag of a command: a field of the config that is not itself a config. */
export interface Flag {
  /** Path in the config, e.g. "sae.exp_factor". */
  readonly path: string;
  /** As it is typed, e.g. "--sae.exp-factor". */
  readonly flag: string;
  /** The flag that means `false`, for types "bool", "bool-or-choice" and "path-switch": "--no-track", "--data.no-scale-mean". */
  readonly negation?: string;
  readonly type: Exclude<FieldType, "config" | "union">;
  /** What follows the flag, for help: "INT", "{clip,siglip,dinov2}", "[INT ...]", "FLOAT FLOAT"; "" for a switch. */
  readonly metavar: string;
  /** How many words follow it: a number, or "any" (for "ints"). A "path-switch" or "bool-or-choice" may also stand alone and means true. */
  readonly arity: number | "any";
  readonly default: unknown;
  readonly choices?: readonly string[];
  /** What is accepted, in words: "an integer >= 1". */
  readonly expected: string;
  readonly doc: string;
  readonly group: FieldGroup;
}

/** One way to fill a union, chosen by a subcommand. */
export interface FlagMember {
  /** As it is typed, e.g. "sae:relu", "data:image-folder-dataset". */
  readonly subcommand: string;
  /** The value of `kind`. */
  readonly kind: string;
  readonly doc: string;
  /** Whether it is taken when no subcommand of the union is given. */
  readonly isDefault: boolean;
  readonly flags: readonly Flag[];
}

/** A field that holds one of several configs. */
export interface FlagUnion {
  /** Path in the config, e.g. "sae". */
  readonly path: string;
  readonly doc: string;
  readonly group: FieldGroup;
  readonly members: readonly FlagMember[];
}

/** Everything that a command line can set in one config. */
export interface FlagTable {
  /** Name of the class, e.g. "Train". */
  readonly name: string;
  readonly doc: string;
  /** Fields of the config itself and of nested configs of one class ("data.layer"), in the order of the classes. */
  readonly flags: readonly Flag[];
  readonly unions: readonly FlagUnion[];
}

/**
 * The flags of `Activations`, `Train` or `Visuals`. Needs no zod, so a command's help can be printed from it at once.
 *
 * To build a config: start from `{}`, set `kind` of a union where its subcommand was given, set each flag's value
 * at its `path`, and parse; what the table says about values is for messages and help.
 */
export function flagTable<T>(schema: Schema<T>): FlagTable;
export function flagTable(schema: object): FlagTable {
  const [of] = specsOf(schema) as readonly [Spec];
  const flags: Flag[] = [];
  const unions: FlagUnion[] = [];
  for (const [name, field] of Object.entries(of.fields)) {
    if (field.type === "config") flags.push(...flagsOf(field.members![0]!, `${name}.`));
    else if (field.type === "union") unions.push(unionOf(name, field));
    else flags.push(flagOf(name, field));
  }
  return { name: of.name, doc: of.doc, flags, unions };
}

function unionOf(path: string, field: Field): FlagUnion {
  const members = field.members!.map((m, i) => ({
    subcommand: `${path}:${m.kind}`,
    kind: m.kind!,
    doc: m.doc,
    isDefault: i === 0,
    flags: flagsOf(m, `${path}.`),
  }));
  return { path, doc: field.doc, group: field.group, members };
}

const flagsOf = (of: Spec, prefix: string): Flag[] =>
  Object.entries(of.fields).map(([name, field]) => flagOf(prefix + name, field));

function flagOf(path: string, field: Field): Flag {
  const kebab = path.replaceAll("_", "-");
  const dot = kebab.lastIndexOf(".") + 1;
  const negatable = ["bool", "bool-or-choice", "path-switch"].includes(field.type);
  return {
    path,
    flag: `--${kebab}`,
    ...(negatable ? { negation: `--${kebab.slice(0, dot)}no-${kebab.slice(dot)}` } : {}),
    type: field.type as Flag["type"],
    metavar: metavarOf(field),
    arity: arityOf(field),
    default: field.default,
    ...(field.choices === undefined ? {} : { choices: field.choices }),
    expected: expectedOf(field),
    doc: field.doc,
    group: field.group,
  };
}

function metavarOf(field: Field): string {
  switch (field.type) {
    case "int":
      return "INT";
    case "float":
      return "FLOAT";
    case "string":
      return "STR";
    case "choice":
      return `{${field.choices!.join(",")}}`;
    case "int-or-choice":
      return `INT|{${field.choices!.join(",")}}`;
    case "path-switch":
      return "[PATH]";
    case "ints":
      return "[INT ...]";
    case "range":
      return "FLOAT FLOAT";
    default:
      return "";
  }
}

function arityOf(field: Field): number | "any" {
  if (field.type === "ints") return "any";
  if (field.type === "range") return 2;
  return field.type === "bool" || field.type === "bool-or-choice" ? 0 : 1;
}
