import { Activations } from "./activations.js";
import type { Field, Spec } from "./fields.js";
import { ConfigError, type ConfigIssue, wrongValue } from "./issues.js";
import { nearestName } from "./nearest.js";
import { inferredMember, type Schema, specsOf } from "./schema.js";
import { Train } from "./train.js";
import { Visuals } from "./visuals.js";

/** Where a value came from, for the message. */
export interface ParseOptions {
  /** E.g. a file's path. */
  readonly where?: string;
}

/**
 * Validates a plain value against a schema of this package and fills in the defaults.
 * @returns a new, deeply frozen config; `value` is left as it is.
 * @throws ConfigError with every mistake at once.
 */
export function parseConfig<T>(schema: Schema<T>, value: unknown, options: ParseOptions = {}): T {
  const { config, issues } = checkConfig(schema, value);
  if (issues.length > 0) throw new ConfigError("INVALID_ARGUMENT", issues, options.where);
  return config as T;
}

/** Like `parseConfig`, but gives the mistakes back. `config` is there if and only if there are none. */
export function checkConfig<T>(schema: Schema<T>, value: unknown): { config?: T; issues: ConfigIssue[] } {
  const result = schema.safeParse(value);
  if (result.success) return { config: result.data, issues: [] };
  return { issues: result.error.issues.flatMap((issue) => explain(specsOf(schema), value, issue)) };
}

/** A frozen `Activations` from a plain value. @throws ConfigError with every mistake. */
export const parseActivations = (value: unknown, options?: ParseOptions): Activations =>
  parseConfig(Activations, value, options);

/** A frozen `Train` from a plain value. @throws ConfigError with every mistake. */
export const parseTrain = (value: unknown, options?: ParseOptions): Train =>
  parseConfig(Train, value, options);

/** A frozen `Visuals` from a plain value. @throws ConfigError with every mistake. */
export const parseVisuals = (value: unknown, options?: ParseOptions): Visuals =>
  parseConfig(Visuals, value, options);

/** What a field accepts, in words: "an integer >= 1". */
export function expectedOf(field: Field): string {
  const limits = [
    ...(field.min === undefined ? [] : [`>= ${field.min}`]),
    ...(field.max === undefined ? [] : [`<= ${field.max}`]),
    ...(field.above === undefined ? [] : [`> ${field.above}`]),
  ].join(" and ");
  const within = limits === "" ? "" : ` ${limits}`;
  switch (field.type) {
    case "int":
      return `an integer${within}`;
    case "float":
      return `a number${within}`;
    case "bool":
      return "true or false";
    case "string":
      return "a string";
    case "choice":
      return words(field.choices!);
    case "int-or-choice":
      return `an integer${within} or ${words(field.choices!)}`;
    case "bool-or-choice":
      return `true, false or ${words(field.choices!)}`;
    case "path-switch":
      return "true, false or the path of a file";
    case "ints":
      return `a list of integers${within}`;
    case "range":
      return "two numbers, the lower one first";
    case "config":
    case "union":
      return tableOf(field.members!);
  }
}

const tableOf = (members: readonly Spec[]): string =>
  `a table of fields of ${members.map((m) => m.name).join(" or ")}`;

function words(choices: readonly string[]): string {
  const quoted = choices.map((c) => JSON.stringify(c));
  return quoted.length === 1 ? quoted[0]! : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

type ZodIssue = {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
};

/** Our own words for a mistake that zod found; the table knows more than zod's message says. */
function explain(root: readonly Spec[], value: unknown, issue: ZodIssue): ConfigIssue[] {
  let members = root;
  let field: Field | undefined;
  let found = value;
  const path: string[] = [];
  let inList = false;
  for (const step of issue.path) {
    path.push(String(step));
    if (step === "kind" && members.length > 1) {
      const kinds = members.map((m) => m.kind!);
      const kind = (found as { kind?: unknown }).kind;
      const near = typeof kind === "string" ? nearestName(kind, kinds) : undefined;
      return [wrongValue(path.join("."), words(kinds), kind, near)];
    }
    inList = typeof step === "number";
    if (!inList) {
      field = memberFor(members, found).fields[String(step)];
      members = field?.members ?? [];
    }
    found = (found as Record<PropertyKey, unknown> | undefined)?.[step];
  }
  const at = path.join(".");
  if (issue.code === "unrecognized_keys") {
    const owner = memberFor(members, found);
    return issue.keys!.map((key) => noSuchField(root, members, owner, path, key));
  }
  if (field === undefined) return [wrongValue(at, tableOf(root), value)];
  const near = typeof found === "string" && field.choices ? nearestName(found, field.choices) : undefined;
  const expected = inList
    ? expectedOf({ ...field, type: field.type === "ints" ? "int" : "float" })
    : expectedOf(field);
  return [wrongValue(at, expected, found, near)];
}

function memberFor(members: readonly Spec[], value: unknown): Spec {
  if (members.length === 1 || typeof value !== "object" || value === null) return members[0]!;
  const { kind } = value as { kind?: unknown };
  return members.find((m) => m.kind === kind) ?? inferredMember(members, value);
}

function noSuchField(
  root: readonly Spec[],
  members: readonly Spec[],
  owner: Spec,
  path: readonly string[],
  key: string,
): ConfigIssue {
  const at = [...path, key].join(".");
  const names = Object.keys(owner.fields);
  const expected = names.length === 0 ? `no field (${owner.name} has none)` : `a field of ${owner.name}`;
  const sibling = members.find((m) => m !== owner && Object.hasOwn(m.fields, key));
  const nearest = nearestName(key, names) ?? elsewhere(root, key) ?? undefined;
  const hint =
    sibling !== undefined
      ? `; it belongs to ${sibling.name} (kind = ${JSON.stringify(sibling.kind)})`
      : nearest !== undefined
        ? `; did you mean ${nearest}?`
        : names.length > 0
          ? `; it has ${names.join(", ")}`
          : "";
  return {
    path: at,
    expected,
    found: JSON.stringify(key),
    ...(nearest === undefined ? {} : { nearest }),
    message: `${at}: ${owner.name} has no field ${JSON.stringify(key)}${hint}`,
  };
}

/** The full path of a field called `key` one level down, e.g. "sae.exp_factor". */
function elsewhere(root: readonly Spec[], key: string): string | undefined {
  for (const of of root) {
    for (const [name, field] of Object.entries(of.fields)) {
      if (field.members?.some((m) => Object.hasOwn(m.fields, key))) return `${name}.${key}`;
    }
  }
  return undefined;
}
