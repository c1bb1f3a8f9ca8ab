import { useMemo } from "preact/hooks";
import type { ViewData } from "../pages/view.js";
import { type Filter, select } from "./filter.js";
import type { Loaded } from "./use.js";
import { useScores } from "./use-scores.js";

/** The latents that a filter lets pass, in its order, and how well its text fits each. */
export function useChosen(
  data: ViewData,
  filter: Filter,
): {
  readonly chosen: Uint32Array;
  readonly found: Loaded<Float32Array | undefined>;
  readonly scores: Float32Array | undefined;
} {
  const { view, columns } = data;
  const [notes, labelOf, names] = [data.notes.value, data.labels.value, data.names.value];
  const found = useScores(data, filter.like);
  const scores = found.state === "ready" ? found.value : undefined;
  const chosen = useMemo(
    () => select(columns, notes, filter, view.only, { names, scores, labelOf }),
    [columns, notes, labelOf, names, filter, view, scores],
  );
  return { chosen, found, scores };
}
