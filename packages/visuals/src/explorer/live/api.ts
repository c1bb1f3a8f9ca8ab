/**
 * What the page's image part and the server say to each other: types only, as `../api.ts`. `:id` names a picture: `d12` is
 * image 12 of the dataset, `u…` one that was uploaded and is kept for a while.
 *
 * | address                                        | answer                                                    |
 * | ---------------------------------------------- | --------------------------------------------------------- |
 * | `views/:view/live/model.json`                  | {@link LiveModel}                                         |
 * | `POST views/:view/live/pictures`               | the bytes of a file → {@link LivePicture}                 |
 * | `views/:view/live/pictures/:id/picture.json`   | {@link LivePicture}                                       |
 * | `views/:view/live/pictures/:id/picture.webp`   | the picture as the model saw it                           |
 * | `views/:view/live/pictures/:id/latents.bin`    | see {@link LivePicture.rows}                              |
 * | `POST views/:view/live/pictures/:id/steer`     | {@link Steering} → {@link Steered}                        |
 */

import type { Availability } from "../api.js";

/** The model and the SAE behind a view, or why they cannot be run. */
export type LiveModel =
  | { readonly ok: false; readonly why: string }
  | {
      readonly ok: true;
      readonly family: string;
      readonly ckpt: string;
      /** Index of the block whose output the SAE reads. */
      readonly layer: number;
      readonly nLayers: number;
      /** The grid of patches. */
      readonly rows: number;
      readonly columns: number;
      /** What the SAE reads: every patch, or the CLS token. */
      readonly reads: "patches" | "cls";
      /** How the model makes one vector of a picture, in words; undefined when it makes none. */
      readonly embedding?: string | undefined;
      /** Names that pictures are scored with, where class embeddings were given. */
      readonly classes?: readonly string[] | undefined;
      /** Names of what patches are, where a head of patches was given that fits the model. */
      readonly patchLabels?: readonly string[] | undefined;
      /** Whether labels can be typed, which needs the model's text tower; else why not. */
      readonly texts: Availability;
    };

/** A picture that went through the model and the SAE. */
export interface LivePicture {
  readonly id: string;
  /** File name or place in the dataset; empty for an upload, whose name stays in the browser. */
  readonly name: string;
  readonly label: string;
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
  /**
   * Rows of `latents.bin`: one for each patch, or one for CLS. The file holds int32 `rowStart [rows + 1]`, int32
   * `latent [n]`, float32 `value [n]`, little-endian: the active latents of row r are entries rowStart[r] to
   * rowStart[r + 1], ascending.
   */
  readonly rows: number;
  /** Mean number of active latents of a row. */
  readonly l0: number;
  /** 1 − Σ ‖x − x̂‖² / Σ ‖x − mean‖² over the rows; null for a single row. */
  readonly explainedVariance: number | null;
  /** Cosine of the embedding with the one that the reconstruction gives; null without embeddings. */
  readonly reconstructed: number | null;
  /** By class, where there are classes: its probability for the picture. */
  readonly scores?: readonly number[] | undefined;
  /** Of each patch of the grid, its label's place in {@link LiveModel.patchLabels}. */
  readonly patchLabels?: readonly number[] | undefined;
}

/** What is done to a latent: its value is multiplied, or set. Suppressing is multiplying by 0. */
export interface Change {
  readonly latent: number;
  readonly kind: "scale" | "set";
  readonly value: number;
}

export interface Steering {
  readonly changes: readonly Change[];
  /** Rows in which they are made; null: in all. */
  readonly rows: readonly number[] | null;
  /** Whether what the SAE does not explain of an activation stays in it. */
  readonly keepError: boolean;
  /** Names of classes that the picture is scored with, in place of those that were given at the start. */
  readonly labels?: readonly string[] | undefined;
}

/** What steering does, against the same forward pass without the changes. */
export interface Steered {
  /** By row: ‖change of the reconstruction‖ / ‖activation‖. */
  readonly moved: readonly number[];
  /** By row: 1 − cosine of the last block's output. */
  readonly output: readonly number[];
  /** Cosine of the embedding with that before; null without embeddings. */
  readonly embedding: number | null;
  /** By class: its probability before and after. */
  readonly before?: readonly number[] | undefined;
  readonly after?: readonly number[] | undefined;
  /** Of each patch, its label before and after. */
  readonly patchLabels?:
    | { readonly before: readonly number[]; readonly after: readonly number[] }
    | undefined;
}
