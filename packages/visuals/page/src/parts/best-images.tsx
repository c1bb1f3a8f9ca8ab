import type { View, ViewSummary } from "../../../src/explorer/api.js";
import { type Columns, columnsOf } from "../data/columns.js";
import { source } from "../data/current-source.js";
import { useLoaded } from "../data/use.js";
import { ViewContext } from "../data/view-context.js";
import { Picture } from "./picture.js";

/** Images of a view on the start. */
const shown = 6;

/** Best images of some latents of a view, spread over all that fire: what is behind a name on the start. Decoration, left out when it cannot be had. */
export function BestImages({ of }: { readonly of: ViewSummary }) {
  const loaded = useLoaded(async () => {
    const [view, bytes] = await Promise.all([
      source.json<View>(`views/${of.id}/view.json`),
      source.bytes(`views/${of.id}/columns.bin`),
    ]);
    return { view, images: spread(view, columnsOf(bytes)) };
  }, [of.id]);
  const ready = loaded.state === "ready" && loaded.value.view.pictures.ok ? loaded.value : undefined;
  if (loaded.state === "failed" || (loaded.state === "ready" && !ready)) return null;
  return (
    <span class="strip" aria-hidden="true">
      {ready && (
        <ViewContext.Provider value={{ source, view: ready.view }}>
          {ready.images.map((image) => (
            <Picture key={image} image={image} size={64} alt="" />
          ))}
        </ViewContext.Provider>
      )}
    </span>
  );
}

/** An export of some latents has the images of those. */
function spread(view: View, { frequency, best }: Columns): number[] {
  const latents = (view.only ?? [...frequency.keys()]).filter((latent) => frequency[latent]! > 0);
  const images = new Set(latents.map((latent) => best[latent]!).filter((image) => image >= 0));
  const all = [...images];
  const n = Math.min(shown, all.length);
  return Array.from({ length: n }, (_, i) => all[Math.floor((i * all.length) / n)]!);
}
