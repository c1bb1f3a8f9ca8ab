import { useMemo } from "preact/hooks";
import { useLocation, useSearch } from "wouter-preact";

/**
 * The address's query, and how to put another in its place. As wouter's `useSearchParams`, which with hash addresses cannot
 * remove the last word of a query.
 */
export function useQuery(): readonly [URLSearchParams, (next: URLSearchParams) => void] {
  const [location, navigate] = useLocation();
  const search = useSearch();
  const query = useMemo(() => new URLSearchParams(search), [search]);
  return [query, (next) => navigate(`${location}?${next}`, { replace: true })];
}
