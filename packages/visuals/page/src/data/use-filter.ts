import { useMemo } from "preact/hooks";
import type { Filter } from "./filter.js";
import { filterOf, withFilter } from "./filter-address.js";
import { useQuery } from "./use-query.js";

/** The filter that the address holds, and how to change a part of it. */
export function useFilter(): readonly [Filter, (part: Partial<Filter>) => void] {
  const [query, setQuery] = useQuery();
  const filter = useMemo(() => filterOf(query), [query]);
  return [filter, (part: Partial<Filter>) => setQuery(withFilter(query, { ...filter, ...part }))];
}
