import { useEffect } from "preact/hooks";
import { Link } from "wouter-preact";
import { useChosen } from "../data/use-chosen.js";
import { useFilter } from "../data/use-filter.js";
import { amount } from "../parts/format.js";
import { LatentFilter } from "../parts/latent-filter.js";
import { LatentList } from "../parts/latent-list.js";
import { Scatter } from "../parts/scatter.js";
import { TextSearch } from "../parts/text-search.js";
import type { ViewData } from "./view.js";

/** All latents of an SAE: found by range, state and words, as a table or a grid, and exported. */
export function LatentsPage({ data }: { readonly data: ViewData }) {
  const { view, columns } = data;
  const [filter, change] = useFilter();
  const { chosen, found, scores } = useChosen(data, filter);
  useEffect(() => {
    document.title = `${view.title} · saev explorer`;
  }, [view]);
  return (
    <>
      <h1>{view.title}</h1>
      <p class="facts">
        {amount(view.dSae, "latent")}
        {view.nImages !== undefined && `, ${amount(view.nImages, "image")}`}
        {view.rows !== undefined &&
          `, ${view.sortBy === "cls" ? amount(view.rows, "CLS token") : amount(view.rows, "patch", "patches")}`}
        {" · "}
        <Link href={`/views/${view.id}/map`}>Map</Link>
        {data.source.live && (
          <>
            {" · "}
            <Link href={`/views/${view.id}/image`}>Your own image</Link>
          </>
        )}
      </p>
      {view.remarks.map((remark) => (
        <p key={remark} class="remark">
          {remark}
        </p>
      ))}
      {!view.pictures.ok && <p class="remark">No pictures: {view.pictures.why}</p>}
      <Scatter columns={columns} chosen={chosen} filter={filter} change={change} />
      <LatentFilter columns={columns} filter={filter} change={change} ranked={filter.like !== ""} />
      <TextSearch data={data} filter={filter} change={change} scores={found} />
      <LatentList data={data} chosen={chosen} filter={filter} change={change} scores={scores} />
    </>
  );
}
