import { type ReadonlySignal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Route, Switch } from "wouter-preact";
import type { Note, NoteConflict, Notes, View } from "../../../src/explorer/api.js";
import { type Columns, columnsOf } from "../data/columns.js";
import { source } from "../data/current-source.js";
import { type LabelOf, loadLabels, noLabels } from "../data/labels.js";
import { loadNames, type Names } from "../data/names.js";
import { type DataSource, RequestError, send } from "../data/source.js";
import { useLoaded } from "../data/use.js";
import { ViewContext } from "../data/view-context.js";
import { Waiting } from "../parts/waiting.js";
import { ImagePage } from "./image.js";
import { LatentPage } from "./latent.js";
import { LatentsPage } from "./latents.js";
import { MapPage } from "./map.js";

/** What all pages on one visuals folder share. */
export interface ViewData {
  readonly source: DataSource;
  readonly view: View;
  readonly columns: Columns;
  readonly notes: ReadonlySignal<Notes>;
  /** Labels of best images, known a moment after the rest. */
  readonly labels: ReadonlySignal<LabelOf>;
  /** What `saev names` suggests. */
  readonly names: Names;
  /** Saves a person's words on a latent, unless other words came there since they were seen. @throws RequestError. */
  readonly write: (latent: number, note: Note) => Promise<void>;
}

async function loadView(id: string): Promise<ViewData> {
  const [view, bytes, found, names] = await Promise.all([
    source.json<View>(`views/${id}/view.json`),
    source.bytes(`views/${id}/columns.bin`),
    source.json<Notes>(`views/${id}/notes.json`),
    loadNames(source, id),
  ]);
  const notes = signal(found);
  const put = (latent: number, note: Note) => {
    const { [String(latent)]: _, ...others } = notes.value;
    notes.value = note.name === "" && note.note === "" ? others : { ...others, [latent]: note };
  };
  const write = async (latent: number, note: Note) => {
    const was = notes.value[latent] ?? { name: "", note: "" };
    try {
      await send("PUT", `views/${id}/notes/${latent}`, JSON.stringify({ ...note, was }));
    } catch (error) {
      const there = error instanceof RequestError && (error.refusal as NoteConflict | undefined)?.there;
      if (!there) throw error;
      // From now on it is seen: to save again is to replace it.
      put(latent, there);
      const words = [there.name, there.note].filter(Boolean).join(": ");
      throw new RequestError(
        `Not saved: it was changed elsewhere meanwhile${words && ` to “${words}”`}. Save again to replace that.`,
      );
    }
    put(latent, note);
  };
  const labels = signal(noLabels);
  loadLabels(source, id).then((labelOf) => {
    labels.value = labelOf;
  });
  return { source, view, columns: columnsOf(bytes), notes, labels, names, write };
}

/** What the address at the start names: asked for at once, not after the session's answer. */
let ahead: { readonly id: string; readonly data: Promise<ViewData> } | undefined;

/** Starts to load the view that a hash address names. */
export function loadAhead(hash: string): void {
  const id = /^#\/views\/([^/?]+)/.exec(hash)?.[1];
  if (id === undefined) return;
  ahead = { id, data: loadView(id) };
  // Who takes it sees the failure.
  ahead.data.catch(() => {});
}

function loadOnce(id: string): Promise<ViewData> {
  const started = ahead?.id === id ? ahead.data : undefined;
  ahead = undefined;
  return started ?? loadView(id);
}

/** Everything below `/views/:view`. */
export function ViewPages({ id }: { readonly id: string }) {
  const loaded = useLoaded(() => loadOnce(id), [id]);
  const context = useMemo(
    () => (loaded.state === "ready" ? { source: loaded.value.source, view: loaded.value.view } : undefined),
    [loaded],
  );
  if (loaded.state !== "ready" || !context) return <Waiting loaded={loaded} />;
  const data = loaded.value;
  return (
    <ViewContext.Provider value={context}>
      <Switch>
        <Route path="/views/:view">
          <LatentsPage data={data} />
        </Route>
        <Route path="/views/:view/map">
          <MapPage data={data} />
        </Route>
        <Route path="/views/:view/image">
          <ImagePage data={data} />
        </Route>
        <Route path="/views/:view/latents/:latent">
          {({ latent }) => <LatentPage data={data} latent={Number(latent)} />}
        </Route>
      </Switch>
    </ViewContext.Provider>
  );
}
