import { Link } from "wouter-preact";
import type { LatentPage } from "../../../src/explorer/api.js";
import type { Strength } from "../data/live.js";
import { wordsOf } from "../data/names.js";
import { useLoaded } from "../data/use.js";
import type { ViewData } from "../pages/view.js";
import { figure } from "./format.js";
import { Picture } from "./picture.js";

interface PatchLatentsProps {
  readonly data: ViewData;
  readonly strengths: readonly Strength[];
  /** Rows that are looked at, for "in 3 of 12 patches". */
  readonly nRows: number;
  /** The latent that the picture shows. */
  readonly shown: number | undefined;
  readonly steered: ReadonlySet<number>;
  readonly onShow: (latent: number | undefined) => void;
  readonly onSteer: (latent: number) => void;
}

/** Top images shown of each latent. */
const nTop = 4;

/** Latents of the selected patches, with their top images. */
export function PatchLatents(props: PatchLatentsProps) {
  const { data, strengths, nRows, shown, steered, onShow, onSteer } = props;
  if (strengths.length === 0) return <p class="soft">No latent fires here.</p>;
  return (
    <ol class="patch-latents">
      {strengths.map(({ latent, mean, max, fires }) => {
        const name =
          data.notes.value[latent]?.name || wordsOf(data.names.value, latent)[0] || `Latent ${latent}`;
        return (
          <li key={latent}>
            <div class="about">
              <Link href={`/views/${data.view.id}/latents/${latent}`}>{name}</Link>
              <span class="soft">
                mean {figure(mean)}
                {nRows > 1 && `, largest ${figure(max)}, in ${fires} of ${nRows} patches`}
              </span>
            </div>
            <TopStrip data={data} latent={latent} />
            <div class="tools">
              <button
                type="button"
                aria-pressed={shown === latent}
                aria-label={`Show where ${name} fires`}
                onClick={() => onShow(shown === latent ? undefined : latent)}
              >
                Show
              </button>
              <button
                type="button"
                disabled={steered.has(latent)}
                aria-label={`Steer ${name}`}
                onClick={() => onSteer(latent)}
              >
                Steer
              </button>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** What each latent's top images were, so that a new selection asks for new latents only. */
const known = new Map<string, Promise<LatentPage>>();

function TopStrip({ data: { view, source }, latent }: { readonly data: ViewData; readonly latent: number }) {
  const at = `views/${view.id}/latents/${latent}/latent.json`;
  const loaded = useLoaded(() => {
    let page = known.get(at);
    if (!page) {
      page = source.json<LatentPage>(at);
      known.set(at, page);
      page.catch(() => known.delete(at));
    }
    return page;
  }, [at]);
  const images = loaded.state === "ready" ? loaded.value.top.slice(0, nTop) : [];
  return (
    <span class="strip">
      {images.map(({ image, name }) => (
        <Picture key={image} image={image} size={64} alt={name || `image ${image}`} />
      ))}
    </span>
  );
}
