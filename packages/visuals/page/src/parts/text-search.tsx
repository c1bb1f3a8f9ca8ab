import { useEffect, useState } from "preact/hooks";
import type { Filter } from "../data/filter.js";
import type { Loaded } from "../data/use.js";
import type { ViewData } from "../pages/view.js";

interface TextSearchProps {
  readonly data: ViewData;
  readonly filter: Filter;
  readonly change: (part: Partial<Filter>) => void;
  readonly scores: Loaded<Float32Array | undefined>;
}

/** A text that latents are ranked by, through the model's text tower. Nothing without names. */
export function TextSearch({ data, filter, change, scores }: TextSearchProps) {
  const [typed, setTyped] = useState(filter.like);
  useEffect(() => setTyped(filter.like), [filter.like]);
  const names = data.names.value;
  if (names.state === "failed") return <p class="remark">{names.error}</p>;
  if (names.state !== "ready" || !data.source.live) return null;
  const rank = (like: string) =>
    change(
      like === "" ? { like, sort: "frequency", descending: true } : { like, sort: "fit", descending: true },
    );
  return (
    <search>
      <form
        class="tools"
        aria-label="Rank latents by a text"
        onSubmit={(event) => {
          event.preventDefault();
          rank(typed.trim());
        }}
      >
        <label>
          What fits{" "}
          <input
            id="like"
            type="search"
            placeholder="any text: a red car"
            maxLength={1000}
            autocomplete="off"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Rank by text</button>
        {filter.like !== "" && (
          <button type="button" class="quiet" onClick={() => rank("")}>
            No text
          </button>
        )}
        <span role="status">
          {filter.like !== "" && scores.state === "loading" && "Reading the text …"}
          {filter.like !== "" && scores.state === "failed" && scores.error}
        </span>
      </form>
    </search>
  );
}
