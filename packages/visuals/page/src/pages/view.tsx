import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Route, Switch } from "wouter-preact";
import type { Note, NoteConflict, Notes, View } from "../../../src/explorer/api.js";
import { afterPictures } from "../data/after-pictures.js";
import { type Columns, columnsOf } from "../data/columns.js";
import { source } from "../data/current-source.js";
import { type LabelOf, loadLabels, noLabels } from "../data/labels.js";
import { loadNames, type Names } from "../data/names.js";
import { type DataSource, RequestError, send } from "../data/source.js";
import { type Loaded, settled, useLoaded } from "../data/use.js";
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
  /** Labels of best images; none until they are asked for. */
  readonly labels: ReadonlySignal<LabelOf>;
  readonly askLabels: () => Promise<void>;
  /** What `saev names` suggests, known a moment after the rest. */
  readonly names: ReadonlySignal<Names>;
  /** Saves a person's words on a latent, unless other words came there since they were seen. @throws RequestError. */
  readonly write: (latent: number, note: Note) => Promise<void>;
}

async function loadView(id: string): Promise<ViewData> {
  const [view, bytes, found] = await Promise.all([
    source.json<View>(`views/${id}/view.json`),
    source.bytes(`views/${id}/columns.bin`),
    source.json<Notes>(`views/${id}/notes.json`),
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
  const askLabels = async () => {
    labels.value = await loadLabels(source, id);
  };
  const names = signal<Names>({ state: "loading" });
  loadNames(source, id).then((loaded) => {
    names.value = loaded;
  });
  return { source, view, columns: columnsOf(bytes), notes, labels, askLabels, names, write };
}

/** The view that the address at the start names. */
let ahead: { readonly id: string; readonly loaded: Loaded<ViewData> } | undefined;

/** Loads the view that a hash address names, for the first page to be drawn with it. */
export async function loadAhead(hash: string): Promise<void> {
  const id = /^#\/views\/([^/?]+)/.exec(hash)?.[1];
  if (id !== undefined) ahead = { id, loaded: await settled(loadView(id)) };
}

function takeAhead(id: string): Loaded<ViewData> | undefined {
  const taken = ahead?.id === id ? ahead.loaded : undefined;
  ahead = undefined;
  return taken;
}

/** Everything below `/views/:view`. */
export function ViewPages({ id }: { readonly id: string }) {
  const loaded = useLoaded(() => loadView(id), [id], { already: () => takeAhead(id) });
  const context = useMemo(
    () => (loaded.state === "ready" ? { source: loaded.value.source, view: loaded.value.view } : undefined),
    [loaded],
  );
  useEffect(() => {
    // The server has them from the dataset: pictures come first.
    if (loaded.state === "ready") afterPictures().then(loaded.value.askLabels);
  }, [loaded]);
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
