import type { ViewData } from "../pages/view.js";
import { figure } from "./format.js";

/** The words that `saev names` suggests for a latent, and how they came about. */
export function SuggestedNames({ data, latent }: { readonly data: ViewData; readonly latent: number }) {
  const names = data.names.value;
  if (names.state === "loading") return null;
  if (names.state === "none") {
    if (!data.source.live) return null;
    return (
      <p class="soft">
        No names are suggested yet. For a CLIP or SigLIP, <code>saev names</code> makes them.
      </p>
    );
  }
  if (names.state === "failed") return <p class="remark">{names.error}</p>;
  const { about, latents } = names.page;
  const words = latents[latent] ?? [];
  return (
    <section aria-labelledby="suggested">
      <h2 id="suggested">Suggested names</h2>
      {words.length === 0 ? (
        <p class="soft">None for this latent.</p>
      ) : (
        <>
          <p class="soft">
            Of {about.vocabulary.words} words, by {about.vit_ckpt}: standard deviations above the mean word,
            and the cosines behind them.
          </p>
          <table class="runs" aria-labelledby="suggested">
            <thead>
              <tr>
                <th scope="col">word</th>
                <th scope="col">score</th>
                <th scope="col">direction</th>
                <th scope="col">images</th>
              </tr>
            </thead>
            <tbody>
              {words.map(({ word, score, decoder, pictures }) => (
                <tr key={word}>
                  <th scope="row">{word}</th>
                  <td>{score.toFixed(2)}</td>
                  <td>{decoder === null ? "–" : figure(decoder)}</td>
                  <td>{pictures === null ? "–" : figure(pictures)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}
