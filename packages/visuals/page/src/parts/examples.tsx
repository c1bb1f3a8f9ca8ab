import { Link } from "wouter-preact";
import type { LatentExamplesPage } from "../../../src/explorer/api.js";
import { wordsOf } from "../data/names.js";
import { useLoaded } from "../data/use.js";
import type { ViewData } from "../pages/view.js";
import { amount, count, figure } from "./format.js";
import { Picture } from "./picture.js";
import { TopImages } from "./top-images.js";
import { Waiting } from "./waiting.js";

interface ExamplesProps {
  readonly data: ViewData;
  readonly latent: number;
  /** Value at which the shared colour scale of the top images ends. */
  readonly upper: number;
}

/** Where a latent's meaning stops: images from strong to weak, random ones, silent ones, labels, companions. */
export function Examples({ data, latent, upper }: ExamplesProps) {
  const { view, source } = data;
  const at = `views/${view.id}/latents/${latent}`;
  const loaded = useLoaded(async () => {
    const [page, maps] = await Promise.all([
      source.json<LatentExamplesPage | null>(`${at}/examples.json`),
      source.bytes(`${at}/examples.bin`),
    ]);
    return { page, maps: new Float32Array(maps) };
  }, [at]);
  if (loaded.state !== "ready") return <Waiting loaded={loaded} />;
  const { page, maps } = loaded.value;
  if (!page) {
    return (
      <p class="soft">
        These visuals hold the top images only; make them again with saev visuals to see weaker ones and which
        latents fire together.
      </p>
    );
  }
  const cut = page.quantiles.length * view.patches;
  return (
    <>
      <section aria-labelledby="quantiles">
        <h2 id="quantiles">From strong to weak</h2>
        <p class="facts">
          It fires in {amount(page.count, "image")}
          {page.sampled < page.count && `; these are of a random sample of ${count(page.sampled)}`}.
        </p>
        <TopImages
          images={page.quantiles}
          maps={maps.subarray(0, cut)}
          patches={view.patches}
          upper={upper}
          note={(i) => placeOf(page.quantiles[i]!.quantile)}
        />
      </section>
      <Labels page={page} />
      <section aria-labelledby="random">
        <h2 id="random">Random images in which it fires</h2>
        <TopImages images={page.random} maps={maps.subarray(cut)} patches={view.patches} upper={upper} />
      </section>
      {page.silent.length > 0 && (
        <section aria-labelledby="silent">
          <h2 id="silent">Random images in which it does not</h2>
          <ul class="images small">
            {page.silent.map(({ image, name, label }) => (
              <li key={image}>
                <Picture image={image} size={110} alt={name || `image ${image}`} />
                <span class="caption soft">{label}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <Companions data={data} page={page} />
    </>
  );
}

function placeOf(quantile: number): string {
  if (quantile === 1) return "the strongest";
  return quantile === 0 ? "the weakest" : `stronger than ${Math.round(100 * quantile)} %`;
}

/** Labels listed on a page. */
const mostLabels = 8;

function Labels({
  page: { labels, purity, entropy, monosemanticity },
}: {
  readonly page: LatentExamplesPage;
}) {
  if (labels.length === 0 && monosemanticity === null) return null;
  const most = labels[0]?.count ?? 1;
  return (
    <section aria-labelledby="labels">
      <h2 id="labels">How pure it is</h2>
      <dl class="numbers">
        {monosemanticity !== null && (
          <>
            <dt>Monosemanticity</dt>
            <dd>
              {figure(monosemanticity)} <span class="soft">mean cosine of its top images</span>
            </dd>
          </>
        )}
        {purity !== null && (
          <>
            <dt>Purity</dt>
            <dd>
              {figure(purity)} <span class="soft">{labels[0]!.label}</span>
            </dd>
            <dt>Entropy</dt>
            <dd>{figure(entropy)} bits</dd>
          </>
        )}
      </dl>
      <ul class="bars">
        {labels.slice(0, mostLabels).map(({ label, count: n }) => (
          <li key={label}>
            <span class="name">{label}</span>
            <span class="bar-of" style={{ width: `${(60 * n) / most}%` }} />
            <span class="soft">{n}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Companions({ data, page }: { readonly data: ViewData; readonly page: LatentExamplesPage }) {
  if (page.companions.length === 0) return null;
  return (
    <section aria-labelledby="companions">
      <h2 id="companions">Latents that fire in the same images</h2>
      <ul class="images small">
        {page.companions.map(({ latent, jaccard }) => (
          <li key={latent}>
            <Link href={`/views/${data.view.id}/latents/${latent}`} class="card">
              <Picture image={data.columns.best[latent]!} size={110} alt="" />
              <span class="name">
                {data.notes.value[latent]?.name || wordsOf(data.names.value, latent)[0] || `Latent ${latent}`}
              </span>
              <span class="soft">Jaccard {figure(jaccard)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
