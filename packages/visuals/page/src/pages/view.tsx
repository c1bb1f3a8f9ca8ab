import { type ReadonlySignal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Route, Switch } from "wouter-preact";
import type { Note, Notes, View } from "../../../src/explorer/api.js";
import { type Columns, columnsOf } from "../data/columns.js";
import { source } from "../data/current-source.js";
import { loadNames, type Names } from "../data/names.js";
import { type DataSource, send } from "../data/source.js";
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
  /** What `saev names` suggests. */
  readonly names: Names;
  /** Saves a person's words on a latent. @throws RequestError. */
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
  const write = async (latent: number, note: Note) => {
    await send("PUT", `views/${id}/notes/${latent}`, JSON.stringify(note));
    const { [String(latent)]: _, ...others } = notes.value;
    notes.value = note.name === "" && note.note === "" ? others : { ...others, [latent]: note };
  };
  return { source, view, columns: columnsOf(bytes), notes, names, write };
}

/** Everything below `/views/:view`. */
export function ViewPages({ id }: { readonly id: string }) {
  const loaded = useLoaded(() => loadView(id), [id]);
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
