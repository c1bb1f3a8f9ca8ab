import { isDistribution } from "./distribution.js";

/** A table of fields in which any value may be a list of values to try. */
export type Sweep = Readonly<Record<string, unknown>>;

/**
 * Every combination of the lists in a sweep, as the Python package's `expand` yields them: the last key varies
 * fastest; nested tables are expanded, lists and tables inside lists are values; an empty list leaves no
 * combination. A distribution counts as a value. The sweep itself is not changed.
 *
 * Combinations that agree in a nested table share that object.
 */
export function expand(sweep: Sweep): Record<string, unknown>[] {
  let all: Record<string, unknown>[] = [{}];
  for (const [key, value] of Object.entries(sweep)) {
    const values = choices(value);
    all = all.flatMap((before) => values.map((v) => ({ ...before, [key]: v })));
  }
  return all;
}

/** How many combinations `expand` gives, without making them. */
export function countCombinations(sweep: Sweep): number {
  return Object.values(sweep).reduce<number>((product, value) => {
    if (Array.isArray(value)) return product * value.length;
    return isTable(value) && !isDistribution(value) ? product * countCombinations(value) : product;
  }, 1);
}

function choices(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isTable(value) && !isDistribution(value) ? expand(value) : [value];
}

/** Whether a value is a table: an object that is neither null, a list nor an instance of a class. */
export function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
