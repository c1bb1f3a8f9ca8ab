type Table = Readonly<Record<string, unknown>>;

/** A config's fields by dotted path, as text. */
export function flat(config: unknown, path = ""): Record<string, string> {
  if (config === null || typeof config !== "object" || Array.isArray(config)) {
    return { [path]: JSON.stringify(config) ?? "" };
  }
  return Object.assign(
    {},
    ...Object.entries(config as Table).map(([key, value]) => flat(value, path ? `${path}.${key}` : key)),
  );
}

export interface Row {
  readonly path: string;
  /** One a config; empty where it has no such field. */
  readonly values: readonly string[];
  readonly differs: boolean;
}

/** All fields of several configs side by side, in the order of the first that has them. */
export function sideBySide(configs: readonly unknown[]): Row[] {
  const tables = configs.map((config) => flat(config));
  const paths = [...new Set(tables.flatMap((table) => Object.keys(table)))];
  return paths.map((path) => {
    const values = tables.map((table) => table[path] ?? "");
    return { path, values, differs: values.some((value) => value !== values[0]) };
  });
}
