import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import type { LiveModel, Steered } from "../../../src/explorer/live/api.js";
import { type ImageState, imageQuery, imageStateOf } from "../data/image-address.js";
import { type Looked, look, strongest, valuesOf } from "../data/live.js";
import { wordsOf } from "../data/names.js";
import { send } from "../data/source.js";
import { type Loaded, useLoaded } from "../data/use.js";
import { useQuery } from "../data/use-query.js";
import { figure } from "../parts/format.js";
import { HeatControls } from "../parts/heat-controls.js";
import { LabelLayer, PatchLabels } from "../parts/patch-labels.js";
import { PatchLatents } from "../parts/patch-latents.js";
import { PatchSelect } from "../parts/patch-select.js";
import { PictureChooser } from "../parts/picture-chooser.js";
import { Scores, SteeredFigures } from "../parts/steered-figures.js";
import { SteeringForm } from "../parts/steering.js";
import { Heat } from "../parts/top-images.js";
import { TypedLabels } from "../parts/typed-labels.js";
import { Waiting } from "../parts/waiting.js";
import type { ViewData } from "./view.js";

/** Latents listed at first, and how many more at a time. */
const listed = 12;

/** A moment in which a slider may still move, in milliseconds. */
const still = 150;

/** Any picture: which latents fire where, and what changing them does to the model's output. */
export function ImagePage({ data }: { readonly data: ViewData }) {
  const { view, source } = data;
  const model = useLoaded(() => source.json<LiveModel>(`views/${view.id}/live/model.json`), [view.id]);
  useEffect(() => {
    document.title = `An image · ${view.title}`;
  }, [view]);
  return (
    <article>
      <nav class="steps" aria-label="Place">
        <Link href={`/views/${view.id}`}>All latents</Link>
      </nav>
      <h1>Your own image</h1>
      {model.state !== "ready" ? (
        <Waiting loaded={model} />
      ) : model.value.ok ? (
        <OpenModel data={data} model={model.value} />
      ) : (
        <div role="alert">
          <p>Pictures cannot be looked at here: {model.value.why}.</p>
          <p class="soft">Everything else in the explorer works without the model.</p>
        </div>
      )}
    </article>
  );
}

type Model = LiveModel & { readonly ok: true };

function OpenModel({ data, model }: { readonly data: ViewData; readonly model: Model }) {
  const { view, source } = data;
  const [query, setQuery] = useQuery();
  const state = useMemo(() => imageStateOf(query), [query]);
  // Two changes may come before the page is drawn anew: the second must not undo the first.
  const latest = useRef(state);
  latest.current = state;
  const change = (part: Partial<ImageState>) => {
    latest.current = { ...latest.current, ...part };
    setQuery(imageQuery(latest.current));
  };
  // An upload's name is the browser's to know.
  const [name, setName] = useState("");
  const looked = useLoaded<Looked | undefined>(
    async () => (state.image === undefined ? undefined : look(source, view.id, state.image)),
    [view.id, state.image],
  );
  return (
    <>
      <p class="facts">
        {model.ckpt} ({model.family}), layer {model.layer} of {model.nLayers}
        {model.reads === "cls" && ", CLS token"}
      </p>
      <PictureChooser
        view={view.id}
        nImages={view.pictures.ok ? view.nImages : undefined}
        suggest={state.image === undefined}
        onChoose={(image, file) => {
          setName(file);
          change({ image, rows: [], overlay: undefined });
        }}
      />
      {looked.state !== "ready" ? (
        <Waiting loaded={looked} />
      ) : (
        looked.value && (
          <LookedAt
            key={looked.value.about.id}
            {...{ data, model, state, change }}
            looked={looked.value}
            name={looked.value.about.name || name || "your picture"}
          />
        )
      )}
    </>
  );
}

interface LookedAtProps {
  readonly data: ViewData;
  readonly model: Model;
  readonly state: ImageState;
  readonly change: (part: Partial<ImageState>) => void;
  readonly looked: Looked;
  readonly name: string;
}

function LookedAt({ data, model, state, change, looked, name }: LookedAtProps) {
  const { about, latents } = looked;
  const [more, setMore] = useState(listed);
  const rows = useMemo(() => {
    const inside = state.rows.filter((row) => row < about.rows);
    return inside.length > 0 ? inside : Array.from({ length: about.rows }, (_, i) => i);
  }, [state.rows, about]);
  const whole = rows.length === about.rows;
  const strengths = useMemo(() => strongest(latents, rows), [latents, rows]);
  const steered = useSteered(data, about.id, state, about.rows, model);
  const { overlay } = state;
  const values = useMemo(() => {
    if (model.reads === "cls") return undefined;
    if (overlay?.of === "latent") return valuesOf(latents, overlay.latent);
    if (overlay && overlay.of !== "labels" && steered.state === "ready" && steered.value)
      return Float32Array.from(steered.value[overlay.of]);
    return undefined;
  }, [overlay, latents, steered, model]);
  const steeredTo = steered.state === "ready" ? steered.value : undefined;
  const labels = overlay?.of === "labels" ? (steeredTo?.patchLabels?.after ?? about.patchLabels) : undefined;
  const upper = values?.reduce((a, b) => Math.max(a, b), 0) ?? 0;
  const shownName =
    overlay?.of === "latent"
      ? data.notes.value[overlay.latent]?.name ||
        wordsOf(data.names.value, overlay.latent)[0] ||
        `latent ${overlay.latent}`
      : overlay?.of === "moved"
        ? "the reconstruction's change"
        : "the last layer's change";
  return (
    <div class="look">
      <div class="look-picture">
        <section aria-labelledby="picture">
          <h2 id="picture">{name}</h2>
          <p class="facts">
            {about.width} × {about.height} pixels{about.label && `, ${about.label}`}; {figure(about.l0)}{" "}
            latents {model.reads === "cls" ? "fire on CLS" : "fire on a patch"}
            {about.explainedVariance !== null && `; explained variance ${figure(about.explainedVariance)}`}
            {about.reconstructed !== null &&
              `; reconstructed, the embedding keeps a cosine of ${about.reconstructed.toFixed(3)}`}
          </p>
          <div class="layers large">
            <img
              class="picture whole"
              src={data.source.url(`views/${data.view.id}/live/pictures/${about.id}/picture.webp`)}
              alt={name}
              style={{ aspectRatio: `${model.columns} / ${model.rows}` }}
            />
            {labels && <LabelLayer labels={labels} columns={model.columns} />}
            {values && <Heat values={values} upper={upper} columns={model.columns} />}
            {model.reads === "patches" && (
              <PatchSelect
                rows={model.rows}
                columns={model.columns}
                selected={whole ? state.rows : rows}
                onSelect={(patches) => change({ rows: patches })}
              />
            )}
          </div>
          {model.reads === "patches" && (
            <>
              <p class="soft" role="status">
                {whole ? "All patches" : `${rows.length} of ${about.rows} patches selected`}
                {values && `; shown: ${shownName}, up to ${figure(upper)}`}
              </p>
              <HeatControls several={false} />
            </>
          )}
          {state.labels.length < 2 && model.classes && about.scores && (
            <Scores names={model.classes} before={about.scores} />
          )}
          <TypedLabels
            view={data.view.id}
            picture={about.id}
            model={model}
            labels={state.labels}
            onChange={(labels) => change({ labels })}
          />
        </section>
        <section aria-labelledby="steering">
          <h2 id="steering">Steering</h2>
          <p class="soft">
            Change latents and see what becomes of the picture's patches and of the model's output
            {model.embedding ? `: ${model.embedding}.` : "."}
          </p>
          <SteeringForm
            data={data}
            state={state}
            change={change}
            patches={model.reads === "patches"}
            largest={(latent) => valuesOf(latents, latent).reduce((a, b) => Math.max(a, b), 0)}
          />
          {steered.state === "failed" && <p role="alert">{steered.error}</p>}
          {steered.state === "ready" && steered.value && (
            <SteeredFigures
              steered={steered.value}
              model={model}
              classes={state.labels.length > 1 && model.texts.ok ? state.labels : model.classes}
              overlay={overlay}
              onShow={(next) => change({ overlay: next })}
            />
          )}
        </section>
        {model.patchLabels && about.patchLabels && (
          <PatchLabels
            names={model.patchLabels}
            {...{ about, overlay }}
            steered={steeredTo}
            onShow={(next) => change({ overlay: next })}
          />
        )}
      </div>
      <section aria-labelledby="fires">
        <h2 id="fires">{whole ? "Latents of the picture" : "Latents of the selected patches"}</h2>
        <PatchLatents
          data={data}
          strengths={strengths.slice(0, more)}
          nRows={rows.length}
          shown={overlay?.of === "latent" ? overlay.latent : undefined}
          steered={new Set(state.changes.map(({ latent }) => latent))}
          onShow={(latent) =>
            change({ overlay: latent === undefined ? undefined : { of: "latent", latent } })
          }
          onSteer={(latent) => change({ changes: [...state.changes, { latent, kind: "scale", value: 0 }] })}
        />
        {strengths.length > more && (
          <button type="button" onClick={() => setMore(more + listed)}>
            Show more of {strengths.length}
          </button>
        )}
      </section>
    </div>
  );
}

/** What the chosen changes do, asked for when they have been still for a moment; undefined without changes. */
function useSteered(
  data: ViewData,
  id: string,
  state: ImageState,
  nRows: number,
  model: Model,
): Loaded<Steered | undefined> {
  const rows = state.onlySelected ? state.rows.filter((row) => row < nRows) : [];
  const steering =
    state.changes.length === 0
      ? undefined
      : JSON.stringify({
          changes: state.changes.filter(({ latent }) => latent < data.view.dSae),
          rows: state.onlySelected && rows.length > 0 ? rows : null,
          keepError: state.keepError,
          ...(state.labels.length > 1 && model.texts.ok && { labels: state.labels }),
        });
  const last = useRef<string | undefined>(undefined);
  return useLoaded<Steered | undefined>(
    async () => {
      last.current = steering;
      if (steering === undefined) return undefined;
      await new Promise((resolve) => setTimeout(resolve, still));
      // Another change came meanwhile: its answer will be taken, and this one dropped.
      if (last.current !== steering) return undefined;
      const at = `views/${data.view.id}/live/pictures/${id}/steer`;
      return (await (await send("POST", at, steering)).json()) as Steered;
    },
    [data.view.id, id, steering],
    { keep: true },
  );
}
