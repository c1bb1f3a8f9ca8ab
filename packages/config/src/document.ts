import { activationsSpec } from "./activations.js";
import { auto, type Field, type Spec } from "./fields.js";
import { objectiveSpecs } from "./objective.js";
import { pythonJson } from "./python.js";
import { gatedSpec, jumpReluSpec, saeSpecs } from "./sae.js";
import { inferredMember, type Schema, specsOf } from "./schema.js";
import { trainSpec } from "./train.js";
import { trainDataSpec } from "./train-data.js";
import { visualsSpec } from "./visuals.js";

/**
 * The Python package's plain form of a config: no `kind`, snake_case, nothing frozen. (Kinds of
 * SAE that it does not have keep theirs.) Fields that it does not have are
 * left out while they are at their defaults. A float that is whole looks like an integer, as there. A size that is "auto"
 * becomes what that package has for one that is left out: resolve the config first where the model or the data is another.
 */
export function toDocument(config: object): Record<string, unknown> {
  return plain(config) as Record<string, unknown>;
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const of = classOf(value);
  return Object.fromEntries(
    Object.entries(value).flatMap(([k, v]) =>
      (k === "kind" && !ownKinds.has(v)) || isOwnDefault(of?.fields[k], v)
        ? []
        : [[k, v === auto ? (documented[k] ?? v) : plain(v)]],
    ),
  );
}

/** The class of ours, of those with fields that the Python package does not have, that a config is of. */
const classOf = (value: object): Spec | undefined =>
  [activationsSpec, trainSpec, trainDataSpec, visualsSpec, ...saeSpecs, ...objectiveSpecs].find(
    ({ kind, fields }) =>
      kind === (value as { kind?: string }).kind &&
      Object.keys(value).every((name) => name === "kind" || Object.hasOwn(fields, name)),
  );

const ownKinds: ReadonlySet<unknown> = new Set([jumpReluSpec.kind, gatedSpec.kind]);

/** Whether this is a field of ours at its default; configs and lists are compared by what they hold. */
const isOwnDefault = (field: Field | undefined, value: unknown): boolean =>
  field?.ours === true && JSON.stringify(field.default) === JSON.stringify(value);

/** The Python package's defaults of the fields that may be "auto", by their names. */
const documented: Readonly<Record<string, unknown>> = Object.fromEntries(
  [activationsSpec, ...saeSpecs].flatMap(({ fields }) =>
    Object.entries(fields).flatMap(([name, { document }]: [string, Field]) =>
      document === undefined ? [] : [[name, document]],
    ),
  ),
);

/**
 * The text of a config file as Python's `json.dump(dataclasses.asdict(config), file, indent=4)` writes it. The
 * Python package refuses an integer where it expects a float, so whole floats keep their ".0": `"clamp": 100000.0`.
 */
export function documentText<T extends object>(
  schema: Schema<T>,
  config: T,
  options: { indent?: number } = {},
): string {
  const specs = specsOf(schema);
  return pythonJson(toDocument(config), {
    indent: options.indent ?? 4,
    isFloat: (path) => isFloat(specs, config, path.split(".")),
  });
}

function isFloat(members: readonly Spec[], config: unknown, path: readonly string[]): boolean {
  let field: Field | undefined;
  let specs = members;
  let value = config as Record<string, unknown>;
  for (const step of path) {
    if (field?.type === "range") return true;
    const owner = specs.find((s) => s.kind === value.kind) ?? inferredMember(specs, value);
    field = owner.fields[step];
    specs = field?.members ?? [];
    value = value[step] as Record<string, unknown>;
    if (specs.length === 0 && field?.type !== "range") break;
  }
  return field?.type === "float";
}
