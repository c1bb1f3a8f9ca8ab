/**
 * The Python package's plain form of a config: no `kind`, snake_case, nothing frozen. Two things are lost, as they
 * are there: a JumpRelu is an empty table, and a float that is whole looks like an integer.
 */
export function toDocument(config: object): Record<string, unknown> {
  return plain(config) as Record<string, unknown>;
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (k === "kind" ? [] : [[k, plain(v)]])));
}
