import { useEffect, useMemo, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import type { MapState } from "../../../src/explorer/api.js";
import { inside, lassoOf, lassoText } from "../data/lasso.js";
import { colourNames, type MapColour, mapColours } from "../data/map-colours.js";
import { wordsOf } from "../data/names.js";
import { useLoaded } from "../data/use.js";
import { useChosen } from "../data/use-chosen.js";
import { useDark } from "../data/use-dark.js";
import { useFilter } from "../data/use-filter.js";
import { useQuery } from "../data/use-query.js";
import { LatentFilter } from "../parts/latent-filter.js";
import { LatentList } from "../parts/latent-list.js";
import { MapCanvas } from "../parts/map-canvas.js";
import { MapLegend } from "../parts/map-legend.js";
import { TextSearch } from "../parts/text-search.js";
import { Waiting } from "../parts/waiting.js";
import type { ViewData } from "./view.js";

/** While the map is being made it is asked for so often, in milliseconds. */
const interval = 500;

/** Decoder directions in two dimensions: latents that write alike lie near each other. A lasso chooses. */
export function MapPage({ data }: { readonly data: ViewData }) {
  const { view, source } = data;
  const [round, again] = useState(0);
  const asked = useLoaded(() => source.json<MapState>(`views/${view.id}/map.json`), [view.id, round], {
    keep: true,
  });
  const state = asked.state === "ready" ? asked.value : undefined;
  const pending = state?.state === "making" || state?.state === "none";
  useEffect(() => {
    document.title = `Map · ${view.title}`;
  }, [view]);
  useEffect(() => {
    if (!pending) return;
    const timer = setTimeout(() => again(round + 1), interval);
    return () => clearTimeout(timer);
  }, [pending, round]);
  return (
    <>
      <nav class="steps" aria-label="Latents">
        <Link href={`/views/${view.id}`}>All latents</Link>
      </nav>
      <h1>Map</h1>
      <p class="facts">
        Decoder directions in two dimensions (UMAP over cosine distances): latents that write alike lie near
        each other. Drag around some to list them; a point that a row of the list is about gets a ring.
      </p>
      {state?.state === "failed" && (
        <p class="status" role="alert">
          {state.why}
        </p>
      )}
      {pending && (
        <p class="status" role="status">
          Laying out the latents… {state.state === "making" && `${Math.round(100 * state.done)} %`}
        </p>
      )}
      {!state && <Waiting loaded={asked} />}
      {state?.state === "ready" && <ReadyMap data={data} />}
    </>
  );
}

function ReadyMap({ data }: { readonly data: ViewData }) {
  const { view, source, columns } = data;
  const loaded = useLoaded(
    async () => new Float32Array(await source.bytes(`views/${view.id}/map.bin`)),
    [view.id],
  );
  const [query, setQuery] = useQuery();
  const [filter, change] = useFilter();
  const lasso = useMemo(() => lassoOf(query.get("lasso")), [query]);
  const wanted = query.get("colour") ?? "";
  const colour = (wanted in colourNames ? wanted : "frequency") as MapColour;
  const put = (name: string, value: string) => {
    const next = new URLSearchParams(query);
    value === "" ? next.delete(name) : next.set(name, value);
    setQuery(next);
  };
  const { chosen: passing, found, scores } = useChosen(data, filter);
  const dark = useDark();
  const colours = useMemo(
    () => mapColours(colour, columns, passing, { dark, scores }),
    [colour, columns, passing, dark, scores],
  );
  const points = loaded.state === "ready" ? loaded.value : undefined;
  const chosen = useMemo(
    () =>
      points && lasso.length > 0
        ? passing.filter((latent) => inside(lasso, points[2 * latent]!, points[2 * latent + 1]!))
        : passing,
    [passing, lasso, points],
  );
  if (!points) return <Waiting loaded={loaded} />;
  return (
    <>
      <div class="actions">
        <label>
          Colour{" "}
          <select value={colour} onChange={(event) => put("colour", event.currentTarget.value)}>
            {Object.entries(colourNames)
              .filter(([key]) => (key !== "fit" || scores) && (key !== "percentile" || view.p !== undefined))
              .map(([key, name]) => (
                <option key={key} value={key}>
                  {name}
                </option>
              ))}
          </select>
        </label>
        <MapLegend name={colourNames[colour]} legend={colours.legend} />
        {lasso.length > 0 && (
          <button type="button" onClick={() => put("lasso", "")}>
            Clear the lasso
          </button>
        )}
      </div>
      <MapCanvas
        view={view.id}
        points={points}
        shown={passing}
        colours={colours}
        lasso={lasso}
        nameOf={(latent) => {
          const name = data.notes.value[latent]?.name || wordsOf(data.names.value, latent)[0];
          return [name, `latent ${latent}`, data.labels.value(latent)].filter(Boolean).join(" · ");
        }}
        onLasso={(polygon) => put("lasso", lassoText(polygon))}
      />
      <LatentFilter columns={columns} filter={filter} change={change} ranked={filter.like !== ""} />
      <TextSearch data={data} filter={filter} change={change} scores={found} />
      <LatentList data={data} chosen={chosen} filter={filter} change={change} scores={scores} />
    </>
  );
}
