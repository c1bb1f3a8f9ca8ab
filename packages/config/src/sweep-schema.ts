import type { JsonSchema } from "./json-schema.js";

const numbers = (count: number, description: string): JsonSchema => ({
  type: "array",
  items: { type: "number" },
  minItems: count,
  maxItems: count,
  description,
});

const integers = (count: number, description: string): JsonSchema => ({
  ...numbers(count, description),
  items: { type: "integer" },
});

const table = (name: string, parameters: JsonSchema): JsonSchema => ({
  type: "object",
  properties: { [name]: parameters },
  required: [name],
  additionalProperties: false,
});

const definitions: JsonSchema = {
  uniform: table("uniform", numbers(2, "Low and high.")),
  log_uniform: table("log_uniform", numbers(2, "Low and high, both above 0; uniform in the logarithm.")),
  int_uniform: table("int_uniform", integers(2, "Low and high, both included.")),
  normal: table("normal", numbers(2, "Mean and standard deviation.")),
};

const search: JsonSchema = {
  type: "object",
  description: "How the distributions of this sweep are drawn from.",
  properties: {
    n_samples: { type: "integer", minimum: 1, description: "Draws at each combination of the lists." },
    seed: { type: "integer", default: 0, description: "Seed of the draws; no seed of a run." },
  },
  required: ["n_samples"],
  additionalProperties: false,
};

/** Turns the JSON Schema of a config into that of sweeps over it. */
export function sweepOf(config: JsonSchema): JsonSchema {
  const { properties, ...rest } = swept(config);
  return {
    ...rest,
    title: "Sweep",
    description: "Configs to train: lists are combined with each other, distributions are drawn from.",
    properties: { ...(properties as object), search },
    $defs: definitions,
  };
}

/** The same object, each of whose fields may be swept. */
function swept(object: JsonSchema): JsonSchema {
  const fields = Object.entries(object.properties as Record<string, JsonSchema>);
  const properties = fields.map(([name, field]) => [name, name === "$schema" ? field : choices(field)]);
  return { ...object, properties: Object.fromEntries(properties) };
}

/** One value, a list of values, or what to draw one from. */
function choices({ default: _, description, ...value }: JsonSchema): JsonSchema {
  const members = (value.anyOf as JsonSchema[] | undefined) ?? [value];
  const random = [
    table("choice", { type: "array", items: { anyOf: members }, minItems: 1 }),
    ...distributionsFor(members).map((name) => ({ $ref: `#/$defs/${name}` })),
  ];
  const single = members[0]!.type === "object" ? sweptTables(members) : members;
  return {
    ...(description === undefined ? {} : { description }),
    anyOf: [...single, { type: "array", items: { anyOf: [...members, ...random] } }, ...random],
  };
}

/** Tables whose fields may be swept; the kinds of all may be tried in any. */
function sweptTables(members: readonly JsonSchema[]): JsonSchema[] {
  const kinds = members.map((m) => (m.properties as { kind?: { const: string } }).kind?.const);
  return members.map((m) => {
    const table = swept(m);
    const { kind, ...fields } = table.properties as Record<string, JsonSchema>;
    if (kind === undefined) return table;
    const any = {
      anyOf: [
        { const: (m.properties as { kind: { const: string } }).kind.const },
        { type: "array", items: { enum: kinds } },
      ],
    };
    return { ...table, properties: { kind: any, ...fields } };
  });
}

function distributionsFor(members: readonly JsonSchema[]): string[] {
  const types = members.map((m) => m.type);
  if (types.includes("number")) return ["uniform", "log_uniform", "int_uniform", "normal"];
  return types.includes("integer") ? ["int_uniform"] : [];
}
