import { latentStates } from "./columns.js";
import { everything, type Filter, type Range, type SortKey, sortKeys } from "./filter.js";

/** The filter that an address's query says; what it does not say, or says wrongly, is as in {@link everything}. */
export function filterOf(query: URLSearchParams): Filter {
  const states = query.get("states")?.split(",");
  const sort = query.get("sort") as SortKey | null;
  return {
    text: query.get("find") ?? everything.text,
    like: query.get("like") ?? everything.like,
    states: states ? new Set(latentStates.filter((state) => states.includes(state))) : everything.states,
    frequency: rangeOf(query.get("frequency")),
    mean: rangeOf(query.get("mean")),
    noted: query.get("noted") === "1",
    sort: sort && sortKeys.includes(sort) ? sort : everything.sort,
    descending: query.get("order") !== "up",
  };
}

function rangeOf(text: string | null): Range | undefined {
  const [lo = Number.NaN, hi = Number.NaN, ...rest] = (text ?? "").split("..").map(Number);
  return text && rest.length === 0 && lo <= hi ? [lo, hi] : undefined;
}

/** Puts a filter into a query, as short as it can be said; other words of the query stay. */
export function withFilter(query: URLSearchParams, filter: Filter): URLSearchParams {
  const next = new URLSearchParams(query);
  const set = (name: string, value: string | undefined) =>
    value === undefined || value === "" ? next.delete(name) : next.set(name, value);
  const range = (r: Range | undefined) => r?.map((x) => Number(x.toPrecision(5))).join("..");
  set("find", filter.text);
  set("like", filter.like);
  set(
    "states",
    filter.states.size === latentStates.length ? undefined : [...filter.states].join(",") || "none",
  );
  set("frequency", range(filter.frequency));
  set("mean", range(filter.mean));
  set("noted", filter.noted ? "1" : undefined);
  set("sort", filter.sort === everything.sort ? undefined : filter.sort);
  set("order", filter.descending ? undefined : "up");
  return next;
}
