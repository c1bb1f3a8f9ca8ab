import path from "node:path";

/** Members of configs that are paths. */
const paths = new Set([
  ...["root", "base", "list", "tars", "pattern"],
  ...["shard_root", "scale_mean", "scale_norm"],
]);

/** A part of a config with its paths absolute, as seen from the folder that it was written in. */
export function fromBase<T extends object>(config: T, base: string): T {
  const absolute = Object.entries(config).map(([key, value]) =>
    paths.has(key) && typeof value === "string" ? [key, path.resolve(base, value)] : [key, value],
  );
  return Object.fromEntries(absolute) as T;
}
