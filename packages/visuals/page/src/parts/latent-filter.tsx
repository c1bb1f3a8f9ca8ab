import { useMemo } from "preact/hooks";
import { type Columns, latentStates, stateOf } from "../data/columns.js";
import { everything, type Filter, sortKeys } from "../data/filter.js";
import { count } from "./format.js";

interface LatentFilterProps {
  readonly columns: Columns;
  readonly filter: Filter;
  readonly change: (part: Partial<Filter>) => void;
  /** Whether latents can be ordered by how well a text fits. */
  readonly ranked: boolean;
}

const sortNames: Readonly<Record<(typeof sortKeys)[number], string>> = {
  frequency: "frequency",
  mean: "mean value",
  max: "largest value",
  percentile: "percentile",
  id: "number",
  name: "name",
  label: "label of the best image",
  fit: "fit of the text",
};

/** Words, states and order of the list of latents. Ranges are dragged on the plot, and can be given up here. */
export function LatentFilter({ columns, filter, change, ranked }: LatentFilterProps) {
  const counts = useMemo(() => {
    const found = { alive: 0, dense: 0, "almost dead": 0, dead: 0 };
    for (const frequency of columns.frequency) found[stateOf(frequency)]++;
    return found;
  }, [columns]);
  const ranged = filter.frequency !== undefined || filter.mean !== undefined;
  return (
    <search>
      <form class="tools" aria-label="Find latents" onSubmit={(event) => event.preventDefault()}>
        <label>
          Find{" "}
          <input
            id="find"
            type="search"
            placeholder="number, name, note or label"
            autocomplete="off"
            spellcheck={false}
            value={filter.text}
            onInput={(event) => change({ text: event.currentTarget.value })}
          />
        </label>
        <fieldset>
          <legend class="visually-hidden">State</legend>
          {latentStates.map((state) => (
            <label key={state} class="chip">
              <input
                type="checkbox"
                checked={filter.states.has(state)}
                onChange={(event) => {
                  const states = new Set(filter.states);
                  event.currentTarget.checked ? states.add(state) : states.delete(state);
                  change({ states });
                }}
              />
              {state} <span class="soft">{count(counts[state])}</span>
            </label>
          ))}
          <label class="chip">
            <input
              type="checkbox"
              checked={filter.noted}
              onChange={(event) => change({ noted: event.currentTarget.checked })}
            />
            with a name or note
          </label>
        </fieldset>
        <span class="actions">
          <label>
            Sort by{" "}
            <select
              value={filter.sort}
              onChange={(event) => change({ sort: event.currentTarget.value as Filter["sort"] })}
            >
              {sortKeys
                .filter((key) => key !== "fit" || ranked)
                .map((key) => (
                  <option key={key} value={key}>
                    {sortNames[key]}
                  </option>
                ))}
            </select>
          </label>
          <button
            type="button"
            aria-label={filter.descending ? "Largest first; reverse" : "Smallest first; reverse"}
            onClick={() => change({ descending: !filter.descending })}
          >
            {filter.descending ? "↓" : "↑"}
          </button>
          {ranged && (
            <button type="button" onClick={() => change({ frequency: undefined, mean: undefined })}>
              Clear the ranges
            </button>
          )}
          <button type="button" class="quiet" onClick={() => change(everything)}>
            Show all
          </button>
        </span>
      </form>
    </search>
  );
}
