/**
 * What the page and the server say to each other of names and texts: types only, as `../api.ts`.
 *
 * | address                                      | answer                                             |
 * | -------------------------------------------- | -------------------------------------------------- |
 * | `views/:view/names.json`                     | {@link NamesPage}; null where there are no names   |
 * | `POST views/:view/find`                      | {@link FindText} → {@link FoundLatents}            |
 * | `POST views/:view/live/pictures/:id/scores`  | {@link Labels} → {@link LabelScores}               |
 */
import type { NamesAbout } from "../../names/names-file.js";
import type { NamedWord } from "../../names/score-words.js";

/** Words that `saev names` suggests. */
export interface NamesPage {
  readonly about: NamesAbout;
  /** By latent, best first; latents without any are left out. */
  readonly latents: Readonly<Record<string, readonly NamedWord[]>>;
}

/** A text that latents are ranked by. */
export interface FindText {
  readonly text: string;
}

/** Latents that have names, those first that the text fits best. */
export interface FoundLatents {
  readonly latents: readonly number[];
  /** Standard deviations above the vocabulary's mean, as scores of words. */
  readonly scores: readonly number[];
}

/** Names of classes that a picture is scored with. */
export interface Labels {
  readonly labels: readonly string[];
}

export interface LabelScores extends Labels {
  /** By label: its probability for the picture among the labels. */
  readonly scores: readonly number[];
}
