import { Link } from "wouter-preact";
import type { Neighbour } from "../../../src/explorer/api.js";
import { wordsOf } from "../data/names.js";
import { useLoaded } from "../data/use.js";
import type { ViewData } from "../pages/view.js";
import { figure } from "./format.js";
import { Picture } from "./picture.js";

/** The latents whose decoder directions are nearest: what else writes nearly the same. */
export function Neighbours({ data, latent }: { readonly data: ViewData; readonly latent: number }) {
  const { view, source, columns } = data;
  const loaded = useLoaded(
    () => source.json<readonly Neighbour[]>(`views/${view.id}/latents/${latent}/neighbours.json`),
    [view.id, latent],
  );
  return (
    <section aria-labelledby="neighbours">
      <h2 id="neighbours">Nearest decoder directions</h2>
      {loaded.state === "failed" && <p class="soft">{loaded.error}</p>}
      {loaded.state === "ready" && (
        <ul class="images small">
          {loaded.value.map(({ latent: other, cosine }) => (
            <li key={other}>
              <Link href={`/views/${view.id}/latents/${other}`} class="card">
                <Picture image={columns.best[other]!} size={110} alt="" />
                <span class="name">
                  {data.notes.value[other]?.name || wordsOf(data.names.value, other)[0] || `Latent ${other}`}
                </span>
                <span class="soft">cosine {figure(cosine)}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
