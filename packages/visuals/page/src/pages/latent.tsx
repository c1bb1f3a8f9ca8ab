import { useEffect, useMemo } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import type { LatentPage as Page } from "../../../src/explorer/api.js";
import { stateOf } from "../data/columns.js";
import { filterOf } from "../data/filter-address.js";
import { useLoaded } from "../data/use.js";
import { useChosen } from "../data/use-chosen.js";
import { useQuery } from "../data/use-query.js";
import { Examples } from "../parts/examples.js";
import { figure } from "../parts/format.js";
import { HeatControls } from "../parts/heat-controls.js";
import { HistogramPlot } from "../parts/histogram-plot.js";
import { Neighbours } from "../parts/neighbours.js";
import { NoteForm } from "../parts/note-form.js";
import { PowerOfTen } from "../parts/power-of-ten.js";
import { SuggestedNames } from "../parts/suggested-names.js";
import { TopImages } from "../parts/top-images.js";
import { Waiting } from "../parts/waiting.js";
import type { ViewData } from "./view.js";

/** One latent: its numbers, the images that move it, what a person calls it. */
export function LatentPage({ data, latent }: { readonly data: ViewData; readonly latent: number }) {
  const { view, source } = data;
  const [query] = useQuery();
  const [, navigate] = useLocation();
  const at = `views/${view.id}/latents/${latent}`;
  const loaded = useLoaded(async () => {
    const [page, maps] = await Promise.all([
      source.json<Page>(`${at}/latent.json`),
      source.bytes(`${at}/maps.bin`),
    ]);
    return { page, maps: new Float32Array(maps) };
  }, [at]);
  // Before and after it in the list that the person came from.
  const filter = useMemo(() => filterOf(query), [query]);
  const { chosen } = useChosen(data, filter);
  const around = useMemo(() => {
    const place = chosen.indexOf(latent);
    return place < 0
      ? { before: undefined, after: undefined }
      : { before: chosen[place - 1], after: chosen[place + 1] };
  }, [chosen, latent]);
  useEffect(() => {
    document.title = `Latent ${latent} · ${view.title}`;
  }, [view, latent]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // An open picture has keys of its own.
      if (document.querySelector("dialog[open]")) return;
      if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select")) return;
      const to = { ArrowLeft: around.before, ArrowRight: around.after }[event.key];
      if (to !== undefined) navigate(`/views/${view.id}/latents/${to}`);
      if (event.key === "Escape") navigate(`/views/${view.id}`);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [around, view, navigate]);
  const step = (to: number | undefined, words: string, arrow: string) =>
    to === undefined ? (
      <span class="button disabled" aria-hidden="true">
        {arrow}
      </span>
    ) : (
      <Link href={`/views/${view.id}/latents/${to}`} class="button" aria-label={`${words}: latent ${to}`}>
        {arrow}
      </Link>
    );
  const note = data.notes.value[latent];
  return (
    <article>
      <nav class="steps" aria-label="Latents">
        <Link href={`/views/${view.id}`}>All latents</Link>
        <span class="actions">
          {step(around.before, "Before it in the list", "←")}
          {step(around.after, "After it in the list", "→")}
        </span>
      </nav>
      <h1>
        {note?.name || `Latent ${latent}`} {note?.name && <span class="soft">latent {latent}</span>}
      </h1>
      {loaded.state !== "ready" ? (
        <Waiting loaded={loaded} />
      ) : (
        <>
          <div class="columns">
            <dl class="numbers">
              <dt>State</dt>
              <dd>{stateOf(loaded.value.page.frequency)}</dd>
              <dt>Frequency</dt>
              <dd>
                {figure(loaded.value.page.frequency)}{" "}
                <span class="soft">
                  <PowerOfTen value={loaded.value.page.frequency} />
                </span>
              </dd>
              <dt>Mean when it fires</dt>
              <dd>{figure(loaded.value.page.mean)}</dd>
              <dt>Largest value</dt>
              <dd>{figure(loaded.value.page.max)}</dd>
              {view.p !== undefined && (
                <>
                  <dt>{view.p}th percentile of all rows</dt>
                  <dd>{figure(loaded.value.page.percentile)}</dd>
                </>
              )}
            </dl>
            {loaded.value.page.histogram && <HistogramPlot histogram={loaded.value.page.histogram} />}
            {view.only ? (
              note?.note && <p class="words">{note.note}</p>
            ) : (
              <NoteForm key={latent} note={note} onSave={(words) => data.write(latent, words)} />
            )}
          </div>
          <SuggestedNames data={data} latent={latent} />
          <section aria-labelledby="top">
            <div class="list-bar">
              <h2 id="top">Top images</h2>
              {view.patches > 1 && <HeatControls />}
            </div>
            <TopImages
              images={loaded.value.page.top}
              maps={loaded.value.maps}
              patches={view.patches}
              upper={loaded.value.page.upper}
            />
          </section>
          <Examples data={data} latent={latent} upper={loaded.value.page.upper} />
          <Neighbours data={data} latent={latent} />
        </>
      )}
    </article>
  );
}
