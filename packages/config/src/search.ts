import { distributionName, drawFrom, isDistribution, wrongParameters } from "./distribution.js";
import { countCombinations, expand, isTable, type Sweep } from "./expand.js";
import type { Field, Spec } from "./fields.js";
import { type ConfigIssue, wrongValue } from "./issues.js";

/** One combination of a sweep, with a value drawn for every distribution. */
export interface Point {
  readonly values: Readonly<Record<string, unknown>>;
}

/** The `[search]` table of a sweep: how the distributions in it are drawn from. */
export interface Search {
  /** Draws at each combination of the lists. */
  readonly n_samples: number;
  /** Seed of the draws, 0 if left out. It is no seed of a run. */
  readonly seed: number;
}

/**
 * The combinations of a sweep: of its lists, as `expand` orders them, each that holds a
 * distribution `n_samples` times with new values. Samples vary fastest. Mistakes in `[search]` and in distributions are
 * collected; a distribution that is wrong is left out of the combinations, so that the rest is still checked.
 */
export function pointsOf(sweep: Sweep, of: Spec): { points: Point[]; errs: ConfigIssue[] } {
  const { search: table, ...fields } = sweep;
  const tooMany = tooManyConfigs(countCombinations(fields), table);
  if (tooMany !== undefined) return { points: [], errs: [tooMany] };
  const combinations = expand(fields);
  const errs = new Map<string, ConfigIssue>();
  let holds = false;
  for (const combination of combinations) {
    for (const { path, value, field } of distributionsIn(combination, of)) {
      holds = true;
      const wrong = wrongDistribution(path, value, field);
      if (wrong !== undefined) errs.set(wrong.message, wrong);
    }
  }
  const draws = (combination: Readonly<Record<string, unknown>>): boolean =>
    !distributionsIn(combination, of).next().done;
  const search = readSearch(table, holds, errs);
  if (!holds) return { points: combinations.map((values) => ({ values })), errs: [...errs.values()] };
  if (errs.size > 0) {
    const rest = combinations.map((c) => ({ values: replaced(c, "", () => undefined) }));
    return { points: rest, errs: [...errs.values()] };
  }
  const points = combinations.flatMap((combination, point) =>
    Array.from({ length: draws(combination) ? search.n_samples : 1 }, (_, sample) => ({
      values: replaced(combination, "", (path, value) =>
        drawFrom(value, { seed: search.seed, point, sample, path }),
      ),
    })),
  );
  return { points, errs: [] };
}

/** More configs than this are a slip of the pen, and could fill the memory before anything is said about them. */
const mostConfigs = 100_000;

function tooManyConfigs(combinations: number, search: unknown): ConfigIssue | undefined {
  const samples = isTable(search) && Number.isFinite(search.n_samples) ? (search.n_samples as number) : 1;
  const count = combinations * Math.max(samples, 1);
  if (count <= mostConfigs) return undefined;
  const message = `the sweep asks for ${count} configs, more than ${mostConfigs}: shorten its lists or lower n_samples`;
  return { path: "", expected: `at most ${mostConfigs} configs`, found: String(count), message };
}

function readSearch(table: unknown, needed: boolean, errs: Map<string, ConfigIssue>): Search {
  const add = (issue: ConfigIssue): void => void errs.set(issue.message, issue);
  if (table !== undefined && !isTable(table))
    add(wrongValue("search", "a table with n_samples and seed", table));
  const { n_samples, seed = 0, ...others } = isTable(table) ? table : {};
  for (const key of Object.keys(others)) {
    add(wrongValue(`search.${key}`, "only n_samples and seed in search", others[key]));
  }
  if (!Number.isSafeInteger(seed)) add(wrongValue("search.seed", "an integer", seed));
  const right = Number.isSafeInteger(n_samples) && (n_samples as number) >= 1;
  if (needed && !right) {
    add(wrongValue("search.n_samples", "an integer >= 1, since the sweep holds distributions", n_samples));
  }
  if (!needed && table !== undefined)
    add(wrongValue("search", "distributions in a sweep with a search table", undefined));
  return { n_samples: n_samples as number, seed: seed as number };
}

/** Calls `visit` on every distribution below a table, outside lists, with its path and the field that it is for. */
function* distributionsIn(
  table: Readonly<Record<string, unknown>>,
  ...members: readonly Spec[]
): Generator<{ path: string; value: Record<string, unknown>; field: Field | undefined }> {
  for (const [key, value] of Object.entries(table)) {
    if (!isTable(value)) continue;
    const field = members.map((m) => m.fields[key]).find((f) => f !== undefined);
    if (isDistribution(value)) yield { path: key, value, field };
    else {
      for (const inner of distributionsIn(value, ...(field?.members ?? []))) {
        yield { ...inner, path: `${key}.${inner.path}` };
      }
    }
  }
}

/** A copy of a table with every distribution replaced; undefined leaves the key out. */
function replaced(
  table: Readonly<Record<string, unknown>>,
  prefix: string,
  by: (path: string, value: Parameters<typeof drawFrom>[0]) => unknown,
): Record<string, unknown> {
  let copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(table)) {
    const drawn = isDistribution(value)
      ? by(prefix + key, value)
      : isTable(value)
        ? replaced(value, `${prefix}${key}.`, by)
        : value;
    if (drawn !== undefined) copy = { ...copy, [key]: drawn };
  }
  return copy;
}

const numeric = ["int", "float", "int-or-choice"];

function wrongDistribution(
  path: string,
  value: Record<string, unknown>,
  field: Field | undefined,
): ConfigIssue | undefined {
  const expected = wrongParameters(value as Parameters<typeof wrongParameters>[0]);
  if (expected !== undefined) return wrongValue(path, expected, value);
  const name = distributionName(value);
  if (field === undefined || name === "choice") return undefined;
  if (!numeric.includes(field.type))
    return wrongValue(path, "choice, or a list: this field is no number", value);
  if (field.type !== "float" && name !== "int_uniform") {
    return wrongValue(path, "int_uniform or choice: this field is an integer", value);
  }
  return undefined;
}
