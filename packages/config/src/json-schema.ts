import { zod } from "./deferred.js";
import { type Schema, specsOf } from "./schema.js";
import { sweepOf } from "./sweep-schema.js";
import { Train } from "./train.js";

/** A JSON Schema of draft 2020-12, as plain data. */
export type JsonSchema = { [key: string]: unknown };

/**
 * The JSON Schema of files that `parseConfig(schema, …)` accepts: every field optional, with its default and
 * description, so that editors complete and check TOML and JSON. What it cannot say is left to the parser: that
 * numbers are finite, that a range's first number is the lower one.
 */
export function jsonSchema<T>(schema: Schema<T>): JsonSchema {
  const [of] = specsOf(schema);
  const converted = zod().toJSONSchema(schema, {
    io: "input",
    target: "draft-2020-12",
    unrepresentable: "any",
    override: ({ jsonSchema: node }) => tidy(node as JsonSchema),
  });
  return forEditors(converted as JsonSchema, of!.name);
}

/**
 * The JSON Schema of sweep files: as of a Train, but any field may also hold a list of values to try or a
 * distribution that suits its type, and `search` says how to draw.
 */
export function sweepJsonSchema(): JsonSchema {
  return sweepOf(jsonSchema(Train));
}

/** The bounds of safe integers go without saying; a missing `kind` makes members overlap, so one or more may match. */
function tidy(node: JsonSchema): void {
  delete node.readOnly;
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  if (node.oneOf !== undefined) {
    node.anyOf = node.oneOf;
    delete node.oneOf;
  }
}

function forEditors(converted: JsonSchema, title: string): JsonSchema {
  const { properties, ...rest } = converted;
  const link = { type: "string", description: "Where this schema is, for editors; not part of the config." };
  return { ...rest, title, properties: { $schema: link, ...(properties as object) } };
}
