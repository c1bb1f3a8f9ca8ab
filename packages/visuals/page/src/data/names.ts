import type { FoundLatents, NamesPage } from "../../../src/explorer/texts/api.js";
import { type DataSource, send } from "./source.js";

/** What is known of names: suggestions, none, nothing yet, or why they cannot be read. */
export type Names =
  | { readonly state: "ready"; readonly page: NamesPage }
  | { readonly state: "none" }
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly error: string };

export async function loadNames(source: DataSource, view: string): Promise<Names> {
  try {
    const page = await source.json<NamesPage | null>(`views/${view}/names.json`);
    return page ? { state: "ready", page } : { state: "none" };
  } catch (error) {
    return { state: "failed", error: (error as Error).message };
  }
}

/** The suggested words of a latent, best first. */
export const wordsOf = (names: Names, latent: number): readonly string[] =>
  names.state === "ready" ? (names.page.latents[latent] ?? []).map(({ word }) => word) : [];

/** How well a text fits each latent, NaN for those without names. */
export async function scoresFor(view: string, text: string, dSae: number): Promise<Float32Array> {
  const answer = await send("POST", `views/${view}/find`, JSON.stringify({ text }));
  const found = (await answer.json()) as FoundLatents;
  const scores = new Float32Array(dSae).fill(Number.NaN);
  found.latents.forEach((latent, i) => {
    scores[latent] = found.scores[i]!;
  });
  return scores;
}
