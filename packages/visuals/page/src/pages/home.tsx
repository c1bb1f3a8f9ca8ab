import { useEffect } from "preact/hooks";
import { Link } from "wouter-preact";
import type { Session } from "../../../src/explorer/api.js";
import { BestImages } from "../parts/best-images.js";
import { amount } from "../parts/format.js";

/** Views that images are shown of: the figures of all their latents are asked for. */
const illustrated = 8;

/** What puts a latent's images in order. */
const rankedBy: Readonly<Record<Session["views"][number]["sortBy"], string>> = {
  patch: "images by their strongest patch",
  img: "images by the sum over their patches",
  cls: "images by their CLS token",
};

/** What was opened. */
export function HomePage({ session }: { readonly session: Session }) {
  useEffect(() => {
    document.title = `${session.title} · saev explorer`;
  }, [session]);
  return (
    <>
      <h1>{session.title}</h1>
      <ul class="tiles">
        {session.views.map((view, i) => (
          <li key={view.id}>
            <Link href={`/views/${view.id}`}>
              <b>{view.title}</b>
              <span class="soft">
                {amount(view.dSae, "latent")}, {rankedBy[view.sortBy]}
              </span>
              {i < illustrated && <BestImages of={view} />}
            </Link>
          </li>
        ))}
        {session.views.length > 1 && (
          <li>
            <Link href={`/compare/${session.views[0]!.id}/${session.views[1]!.id}`}>
              <b>Compare</b>
              <span class="soft">two of them, latent by latent</span>
            </Link>
          </li>
        )}
        {session.runs.length > 0 && (
          <li>
            <Link href="/runs">
              <b>Training</b>
              <span class="soft">{amount(session.runs.length, "run")}</span>
            </Link>
          </li>
        )}
      </ul>
    </>
  );
}
