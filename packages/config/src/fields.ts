/**
 * The words in which every config class is written down. A class is a table of fields; the zod schema, the static
 * type, the JSON Schema, the flag table and the help text are all made from that table, so they cannot disagree.
 * Nothing here loads zod: a table can be printed without it.
 */

/** How a field is written. "choice" is one of some words, "path-switch" is true, false or a file's path. */
export type FieldType =
  | "int"
  | "float"
  | "bool"
  | "string"
  | "choice"
  | "int-or-choice"
  | "bool-or-choice"
  | "path-switch"
  | "ints"
  | "range"
  | "config"
  | "union";

/** Headings under which help lists the fields. */
export type FieldGroup =
  | "data"
  | "model"
  | "training"
  | "selection"
  | "output"
  | "tracking"
  | "hardware"
  | "slurm";

/** One field of a config class whose values are of type `T`. */
export interface Field<T = unknown> {
  readonly type: FieldType;
  /** Value when the field is left out; a field without one must be given. */
  readonly default?: T;
  /** The Python package's default, where "auto" is ours. */
  readonly document?: number | boolean;
  /** Whether the Python package has no such field: at its default it is left out of documents. */
  readonly ours?: true;
  /** One or two sentences, for help and editors. */
  readonly doc: string;
  readonly group: FieldGroup;
  /** Smallest number allowed, included. */
  readonly min?: number;
  /** Largest number allowed, included. */
  readonly max?: number;
  /** Numbers must be larger than this. */
  readonly above?: number;
  /** Whether infinities are numbers of this field. */
  readonly infinite?: boolean;
  /** The words allowed in a "choice", "int-or-choice" or "bool-or-choice". */
  readonly choices?: readonly string[];
  /** The class of a "config"; the classes of a "union", the default one first. */
  readonly members?: readonly Spec[];
}

/** A config class: its name in the Python package, the tag it has in a union, and its fields in order. */
export interface Spec<F extends Fields = Fields, K extends string | undefined = string | undefined> {
  readonly name: string;
  /** Tag of a union's member, e.g. "image-folder-dataset"; undefined for a class that is in no union. */
  readonly kind: K;
  readonly doc: string;
  readonly fields: F;
}

export type Fields = Readonly<Record<string, Field>>;

/** Removes names for display: the type as an editor shows it. */
type Flat<T> = { readonly [K in keyof T]: T[K] };

type ValueOf<F> = F extends Field<infer T> ? T : never;

/** What parsing gives: every field present, `kind` where the class is a union's member. */
export type ConfigOf<S> =
  S extends Spec<infer F, infer K>
    ? Flat<(K extends string ? { kind: K } : unknown) & { [N in keyof F]: ValueOf<F[N]> }>
    : never;

/** What parsing takes: every field may be left out. */
export type InputOf<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [N in keyof T]?: InputOf<T[N]> | undefined }
    : T;

/** A config in which no number and no boolean is "auto" any more; a word that may be "auto" stays one. */
export type Resolved<T> = [T] extends [string]
  ? T
  : T extends readonly unknown[]
    ? T
    : T extends object
      ? { readonly [N in keyof T]: Resolved<T[N]> }
      : Exclude<T, typeof auto>;

/** Writes down a config class that is in no union. */
export function spec<F extends Fields>(name: string, doc: string, fields: F): Spec<F, undefined> {
  return { name, kind: undefined, doc, fields };
}

/** Writes down a config class that is a member of a union under the tag `kind`. */
export function member<F extends Fields, K extends string>(
  name: string,
  kind: K,
  doc: string,
  fields: F,
): Spec<F, K> {
  return { name, kind, doc, fields };
}

type Limits = Pick<Field, "min" | "max" | "above" | "infinite">;

/** A whole number within ±(2^53 − 1), as exact as JavaScript has them. */
export const int = (group: FieldGroup, value: number, doc: string, limits: Limits = {}): Field<number> => ({
  type: "int",
  default: value,
  doc,
  group,
  ...limits,
});

/** A float64. Integers are accepted; NaN never, infinities where `infinite` says so. */
export const float = (group: FieldGroup, value: number, doc: string, limits: Limits = {}): Field<number> => ({
  type: "float",
  default: value,
  doc,
  group,
  ...limits,
});

export const bool = (group: FieldGroup, value: boolean, doc: string): Field<boolean> => ({
  type: "bool",
  default: value,
  doc,
  group,
});

export const string = (group: FieldGroup, value: string, doc: string): Field<string> => ({
  type: "string",
  default: value,
  doc,
  group,
});

/** One word of `choices`; the first is the default unless `value` names another. */
export const choice = <const C extends readonly string[]>(
  group: FieldGroup,
  choices: C,
  value: C[number],
  doc: string,
): Field<C[number]> => ({ type: "choice", choices, default: value, doc, group });

export const intOrChoice = <const C extends readonly string[]>(
  group: FieldGroup,
  choices: C,
  value: number | C[number],
  doc: string,
): Field<number | C[number]> => ({ type: "int-or-choice", choices, default: value, doc, group });

/** What stands for a value that the data or the model decides. */
export const auto = "auto";

/**
 * A whole number that is found out where "auto" stands, which it does when the field is left out.
 * @param document the Python package's default.
 */
export const autoInt = (
  group: FieldGroup,
  document: number,
  doc: string,
  limits: Limits = {},
): Field<number | typeof auto> => ({
  type: "int-or-choice",
  choices: [auto],
  default: auto,
  document,
  doc,
  group,
  ...limits,
});

/** The same for true and false. */
export const autoBool = (
  group: FieldGroup,
  document: boolean,
  doc: string,
): Field<boolean | typeof auto> => ({
  type: "bool-or-choice",
  choices: [auto],
  default: auto,
  document,
  doc,
  group,
});

/** On, off, or the path of a file to load instead. */
export const pathSwitch = (group: FieldGroup, value: boolean, doc: string): Field<boolean | string> => ({
  type: "path-switch",
  default: value,
  doc,
  group,
});

export const ints = (
  group: FieldGroup,
  value: readonly number[],
  doc: string,
  limits: Limits = {},
): Field<readonly number[]> => ({ type: "ints", default: Object.freeze([...value]), doc, group, ...limits });

/** Two numbers, low then high; infinities leave that side open. */
export const range = (
  group: FieldGroup,
  low: number,
  high: number,
  doc: string,
): Field<readonly [number, number]> => ({
  type: "range",
  default: Object.freeze([low, high] as const),
  doc,
  group,
  infinite: true,
});

/** Marks a field that the Python package does not have. */
export const ours = <T>(field: Field<T>): Field<T> => ({ ...field, ours: true });

/** A nested config of one class. */
export const config = <S extends Spec>(group: FieldGroup, of: S, doc: string): Field<ConfigOf<S>> => ({
  type: "config",
  default: defaultsOf(of) as ConfigOf<S>,
  doc,
  group,
  members: [of],
});

/** A nested config of one of several classes, told apart by `kind`; the first is the default. */
export const union = <const M extends readonly [Spec, ...Spec[]]>(
  group: FieldGroup,
  members: M,
  doc: string,
): Field<ConfigOf<M[number]>> => ({
  type: "union",
  default: defaultsOf(members[0]) as ConfigOf<M[number]>,
  doc,
  group,
  members,
});

/** The config of a class with every field at its default, deeply frozen. */
export function defaultsOf<S extends Spec>(of: S): ConfigOf<S> {
  const value: Record<string, unknown> = of.kind === undefined ? {} : { kind: of.kind };
  for (const [name, field] of Object.entries(of.fields)) value[name] = field.default;
  return Object.freeze(value) as ConfigOf<S>;
}
