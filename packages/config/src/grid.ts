import { isTable, type Sweep } from "./expand.js";
import { ConfigError, type ConfigIssue, wrongValue } from "./issues.js";
import { checkConfig } from "./parse.js";
import { specsOf } from "./schema.js";
import { pointsOf } from "./search.js";
import { Train } from "./train.js";

/** The configs of a sweep, and everything that is wrong with it. */
export interface Grid {
  /** The valid ones, in the order of `expand`. */
  readonly cfgs: Train[];
  /** All mistakes, each once, however many combinations make it. Train nothing unless it is empty. */
  readonly errs: ConfigIssue[];
}

/**
 * All configs of a sweep over `base`: its lists' combinations, and `n_samples` draws at each where it holds
 * distributions (search.ts). What the sweep leaves out stays as in `base`; a nested table changes only the fields
 * that it names, or starts from the defaults where it names another `kind`.
 *
 * Config number d, from 0, counting wrong ones, has `seed = base.seed + d`, unless the sweep sets `seed`. Where the
 * sweep sets anything in `sae`, `base.seed + d` is added to `sae.seed` too, as the Python package does it:
 * combinations that share one choice in `sae` go on adding to one sum, each to what the one before it had.
 * (That reads like an oversight there, but a sweep file must give the same runs in both.)
 *
 * Wrong fields and values are returned, not thrown. `base` and `sweep` are left alone.
 * @throws ConfigError if `sweep` is no table at all.
 */
export function grid(base: Train, sweep: Sweep): Grid {
  if (!isTable(sweep))
    throw new ConfigError("INVALID_ARGUMENT", [wrongValue("", "a table of fields of Train", sweep)]);
  const [spec] = specsOf(Train);
  const { points, errs: searchErrs } = pointsOf(sweep, spec!);
  const cfgs: Train[] = [];
  const errs = new Map(searchErrs.map((issue) => [issue.message, issue]));
  const sums = new Map<unknown, number>();
  points.forEach(({ values }, d) => {
    let merged: Record<string, unknown> = { ...base, seed: base.seed + d };
    for (const [key, value] of Object.entries(values)) {
      const own = Object.hasOwn(base, key) ? base[key as keyof Train] : undefined;
      // Unlike an assignment, a computed key also takes "__proto__" for a name.
      merged = { ...merged, [key]: isTable(value) && isTable(own) ? over(own, value) : value };
    }
    const { sae } = values;
    if (isTable(sae) && Object.keys(sae).length > 0) {
      const seed = sums.get(sae) ?? (merged.sae as { seed?: unknown }).seed ?? 0;
      if (typeof seed === "number" && (merged.sae as { kind?: unknown }).kind !== "jump-relu") {
        sums.set(sae, seed + base.seed + d);
        merged.sae = { ...(merged.sae as object), seed: seed + base.seed + d };
      }
    }
    const { config, issues } = checkConfig(Train, merged);
    if (config !== undefined) cfgs.push(config);
    for (const issue of issues) errs.set(issue.message, issue);
  });
  return { cfgs: searchErrs.length > 0 ? [] : cfgs, errs: [...errs.values()] };
}

/** `own` with the fields of `changes`; another kind shares no fields with it. */
function over(own: Record<string, unknown>, changes: Record<string, unknown>): Record<string, unknown> {
  const otherKind = changes.kind !== undefined && changes.kind !== own.kind;
  return otherKind ? changes : { ...own, ...changes };
}
