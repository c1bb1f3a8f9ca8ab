import type { ZodType } from "zod";
import { onFirstUse, type Zod, zod } from "./deferred.js";
import type { ConfigOf, Field, InputOf, Spec } from "./fields.js";

/** A zod schema whose parsed values are deeply frozen `T`s. */
export type Schema<T> = ZodType<T, InputOf<T>>;

const specs = new WeakMap<object, readonly Spec[]>();

/** The classes behind a schema of this package: one, or a union's members, the default first. */
export function specsOf(schema: object): readonly Spec[] {
  const found = specs.get(schema);
  if (found === undefined)
    throw new TypeError("expected a schema of @saev/config, such as Train, found another value");
  return found;
}

/** The zod schema of one class. */
export function schemaOf<S extends Spec>(of: S): Schema<ConfigOf<S>> {
  return remember([of], () => buildObject(of));
}

/** The zod schema of one of several classes; a missing `kind` is inferred from the keys. */
export function unionSchemaOf<const M extends readonly Spec[]>(members: M): Schema<ConfigOf<M[number]>> {
  return remember(members, () => buildUnion(members));
}

function remember<T>(of: readonly Spec[], build: () => ZodType): Schema<T> {
  const schema = onFirstUse(build);
  specs.set(schema, of);
  return schema as unknown as Schema<T>;
}

function buildObject(of: Spec): ZodType {
  const z = zod();
  const shape: Record<string, ZodType> = {};
  if (of.kind !== undefined) {
    shape.kind = z.literal(of.kind).default(of.kind).describe(`Says that this is a ${of.name}.`);
  }
  for (const [name, field] of Object.entries(of.fields)) shape[name] = buildField(field);
  return z.strictObject(shape).readonly().meta({ title: of.name, description: of.doc });
}

function buildUnion(members: readonly Spec[]): ZodType {
  const z = zod();
  const objects = members.map(buildObject) as unknown as Parameters<Zod["discriminatedUnion"]>[1];
  return z.preprocess((value) => withKind(members, value), z.discriminatedUnion("kind", objects));
}

function buildField(field: Field): ZodType {
  const nested = field.type === "config" || field.type === "union";
  const value = buildValue(field);
  const meta = { description: field.doc };
  if (field.default === undefined) return value.meta(meta);
  if (nested) return value.prefault({}).meta(meta);
  return value.default(() => field.default).meta(meta);
}

function buildValue(field: Field): ZodType {
  const z = zod();
  switch (field.type) {
    case "int":
      return limited(z.int(), field);
    case "float":
      return buildNumber(field);
    case "bool":
      return z.boolean();
    case "string":
      return z.string();
    case "choice":
      return z.enum(field.choices as [string, ...string[]]);
    case "int-or-choice":
      return z.union([limited(z.int(), field), z.enum(field.choices as [string, ...string[]])]);
    case "bool-or-choice":
      return z.union([z.boolean(), z.enum(field.choices as [string, ...string[]])]);
    case "path-switch":
      return z.union([z.boolean(), z.string().min(1)]);
    case "ints":
      return z.array(limited(z.int(), field)).readonly();
    case "range":
      return z
        .tuple([buildNumber(field), buildNumber(field)])
        .refine((pair) => (pair[0] as number) < (pair[1] as number))
        .readonly();
    case "config":
      return buildObject(field.members![0]!);
    case "union":
      return buildUnion(field.members!);
  }
}

function buildNumber(field: Field): ZodType {
  const z = zod();
  if (!field.infinite) return limited(z.number(), field);
  // zod's own numbers are finite.
  const { min = -Infinity, max = Infinity, above } = field;
  const fits = (v: unknown): boolean =>
    typeof v === "number" && v >= min && v <= max && (above === undefined || v > above);
  return z
    .custom<number>(fits)
    .meta({ type: "number", ...(above === undefined ? {} : { exclusiveMinimum: above }) });
}

function limited(number: import("zod").ZodNumber, { min, max, above }: Field): import("zod").ZodNumber {
  let schema = number;
  if (min !== undefined) schema = schema.min(min);
  if (max !== undefined) schema = schema.max(max);
  if (above !== undefined) schema = schema.gt(above);
  return schema;
}

/**
 * Adds the `kind` that a union's value leaves out: the member that knows most of its keys, and among equals the
 * first. So `{ root, split }` is an Ade20kDataset, `{ root }` an ImageFolderDataset, `{}` the default.
 */
export function withKind(members: readonly Spec[], value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if ((value as { kind?: unknown }).kind !== undefined) return value;
  return { ...value, kind: inferredMember(members, value).kind };
}

export function inferredMember(members: readonly Spec[], value: object): Spec {
  const keys = Object.keys(value).filter((key) => key !== "kind");
  const known = (m: Spec): number => keys.filter((key) => Object.hasOwn(m.fields, key)).length;
  const missing = (m: Spec): number => Object.keys(m.fields).length - known(m);
  return members.reduce((best, m) => {
    const gain = known(m) - known(best);
    return gain > 0 || (gain === 0 && known(m) > 0 && missing(m) < missing(best)) ? m : best;
  });
}
