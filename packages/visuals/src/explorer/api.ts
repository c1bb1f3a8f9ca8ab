/**
 * What the explorer's server and its page say to each other. Types only: the page imports this file, and nothing of Node
 * with it.
 *
 * Every `GET` address is a path without a query, so that `saev export` can write each answer to a file and the same page
 * works from disk. `:view` and `:run` are ids given in {@link Session}.
 *
 * | address                                    | answer                                                        |
 * | ------------------------------------------ | ------------------------------------------------------------- |
 * | `session.json`                             | {@link Session}                                               |
 * | `views/:view/view.json`                    | {@link View}                                                  |
 * | `views/:view/columns.bin`                  | {@link columnNames}: float32 `[columns, d_sae]`, little-endian |
 * | `views/:view/latents/:latent/latent.json`  | {@link LatentPage}                                            |
 * | `views/:view/latents/:latent/maps.bin`     | float32 `[images, patches]`: f_x of the top images' patches   |
 * | `views/:view/images/:image/:size.webp`     | the image as the model saw it, square, `size` pixels a side   |
 * | `views/:view/notes.json`                   | {@link Notes}; `PUT views/:view/notes/:latent` ({@link NoteChange}) writes one |
 * | `views/:view/labels.json`                  | {@link BestLabels}                                            |
 * | `views/:view/latents/:latent/neighbours.json` | {@link Neighbour}s: nearest decoder directions, best first   |
 * | `views/:view/latents/:latent/examples.json` | {@link LatentExamplesPage}, null where the folder has no sample |
 * | `views/:view/latents/:latent/examples.bin` | float32 `[images, patches]`: those of its quantiles, then random |
 * | `views/:view/map.json`                     | {@link MapState}; asking for it begins the work               |
 * | `views/:view/map.bin`                      | float32 `[d_sae, 2]`, NaN for latents that never fire         |
 * | `views/:view/names.json`, `views/:view/find` | suggested names, latents by a text: `texts/api.ts`             |
 * | `views/:view/live/…`                       | pictures that go through the model: `live/api.ts`             |
 * | `compare/:a/:b.json`                       | {@link Comparison} of two views                               |
 * | `runs/runs.json`                           | {@link Run}s                                                  |
 * | `runs/:run/metrics.json`                   | {@link Metrics}: the whole lines of metrics.jsonl             |
 * | `runs/:run/follow`                         | server-sent events: {@link Metrics} as they are written        |
 */

/** What was opened. */
export interface Session {
  readonly title: string;
  readonly views: readonly ViewSummary[];
  readonly runs: readonly RunSummary[];
  /** Whether this is a static export: nothing can be written, uploaded or computed. */
  readonly exported: boolean;
}

/** A visuals folder: which images each latent of one SAE responds to. */
export interface ViewSummary {
  readonly id: string;
  /** Its folder, as short as it is unique. */
  readonly title: string;
  readonly sortBy: SortBy;
  readonly dSae: number;
  /** The run that trained its SAE, when that was opened too. */
  readonly run?: string | undefined;
}

export type SortBy = "cls" | "img" | "patch";

export interface View extends ViewSummary {
  /** Top images kept for each latent. */
  readonly topK: number;
  /** Patches of an image's heat map; 1 where there is none. A square grid, row by row from the top left. */
  readonly patches: number;
  /** Rows (patches, or CLS tokens) over which frequencies are fractions, where it is known. */
  readonly rows?: number | undefined;
  /** Images in the dataset, where it is known. */
  readonly nImages?: number | undefined;
  /** Which percentile the column `percentile` is. */
  readonly p?: number | undefined;
  /** Whether the pictures of the dataset can be shown, and why not. */
  readonly pictures: Availability;
  /** The latents that have pages, in an export of some; otherwise all have. */
  readonly only?: readonly number[] | undefined;
  /** What a reader should know, such as that a table holds a sample. */
  readonly remarks: readonly string[];
}

export type Availability = { readonly ok: true } | { readonly ok: false; readonly why: string };

/**
 * Columns of `columns.bin`, in order. `frequency`: fraction of rows in which the latent fires. `mean`: of its firing
 * values, NaN when it never fires. `max`: largest value. `percentile`: over all rows, silent ones included, NaN when it is
 * not known. `best`: the first of its top images, −1 when there is none.
 */
export const columnNames = ["frequency", "mean", "max", "percentile", "best"] as const;
export type ColumnName = (typeof columnNames)[number];

/** Labels of the latents' best images. */
export interface BestLabels {
  /** Each once. */
  readonly labels: readonly string[];
  /** By latent: which of {@link labels}; −1 without an image or a label. */
  readonly best: readonly number[];
}

/** An image in a list of a latent's. */
export interface LatentImage {
  readonly image: number;
  /** What ranks it: the CLS value, the sum over patches or the largest patch. */
  readonly score: number;
  /** The strongest patch; absent where there is no heat map. */
  readonly topPatch?: number | undefined;
  /** Name of the class; empty when there is none. */
  readonly label: string;
  /** File name or other name in the dataset. */
  readonly name: string;
}

/** Counts of equal steps between `lo` and `hi`: of log10(f_x) when `log10`, else of f_x. Firing values only. */
export interface Histogram {
  readonly log10: boolean;
  readonly lo: number;
  readonly hi: number;
  readonly counts: readonly number[];
}

export interface LatentPage {
  readonly latent: number;
  readonly frequency: number;
  readonly mean: number | null;
  readonly max: number;
  readonly percentile: number | null;
  /** Best first; row i of `maps.bin` is the heat map of image i. */
  readonly top: readonly LatentImage[];
  /** Value at which a shared colour scale ends: the largest of all top images' patches. */
  readonly upper: number;
  readonly histogram?: Histogram | undefined;
}

/** A latent, and the cosine of its decoder direction with another's. */
export interface Neighbour {
  readonly latent: number;
  readonly cosine: number;
}

/** An image in which a latent fires, and how many of the others fire less: 1 the strongest, 0 the weakest. */
export interface QuantileImage extends LatentImage {
  readonly quantile: number;
}

/** A latent, and in how many of the sampled images it fires together with another. */
export interface Companion {
  readonly latent: number;
  readonly together: number;
  /** Of the sampled images in which either fires, the fraction in which both do. */
  readonly jaccard: number;
}

/** What a latent responds to beyond its top images: from a uniform sample of the images in which it fires. */
export interface LatentExamplesPage {
  /** Images in which it fires. */
  readonly count: number;
  /** Of them, how many are sampled. */
  readonly sampled: number;
  /** From the strongest to the weakest of the sample: where the meaning stops. */
  readonly quantiles: readonly QuantileImage[];
  readonly random: readonly LatentImage[];
  /** Random images in which it does not fire. */
  readonly silent: readonly LatentImage[];
  /** Labels of the sample, most frequent first; empty where there are none. */
  readonly labels: readonly { readonly label: string; readonly count: number }[];
  /** Fraction of the sample that has the most frequent label; null without labels. */
  readonly purity: number | null;
  /** Of the labels of the sample, in bits. */
  readonly entropy: number | null;
  /** Latents that fire in the same images, by Jaccard index. */
  readonly companions: readonly Companion[];
  /**
   * How alike its top images are: the mean cosine of their embeddings over all pairs, weighted by the activations; null
   * where the activations are not at hand.
   */
  readonly monosemanticity: number | null;
}

/** Where the layout of the decoder directions in two dimensions is; `done` is a fraction. */
export type MapState =
  | { readonly state: "none" | "ready" }
  | { readonly state: "making"; readonly done: number }
  | { readonly state: "failed"; readonly why: string };

/** Latents of two SAEs that fire: those that are alike, one to one, best first, and those without a partner. */
export interface Comparison {
  readonly pairs: readonly (readonly [a: number, b: number, cosine: number])[];
  readonly onlyA: readonly number[];
  readonly onlyB: readonly number[];
}

/** A person's own words on a latent. */
export interface Note {
  readonly name: string;
  readonly note: string;
}

/** The body of a `PUT` of a note. */
export interface NoteChange extends Note {
  /**
   * What the person saw before writing, empty where there was nothing. When something else is there by now, nothing is
   * written and the answer is 409 with {@link NoteConflict}. Without it whatever is there is replaced.
   */
  readonly was?: Note | undefined;
}

export interface NoteConflict extends Refusal {
  readonly there: Note;
}

/** By latent. */
export type Notes = Readonly<Record<string, Note>>;

export interface RunSummary {
  readonly id: string;
  /** Its folder, as short as it is unique. */
  readonly title: string;
}

/** A training run as its folder has it now. */
export interface Run extends RunSummary {
  /** Of run.json, else config.json; null while there is neither. */
  readonly config: Readonly<Record<string, unknown>> | null;
  /** evaluation.json, once the run has ended. */
  readonly evaluation: Readonly<Record<string, unknown>> | null;
  /** The last line of metrics.jsonl, with `track`, and the figures ("val_…") of the last evaluation while training. */
  readonly last: Readonly<Record<string, unknown>> | null;
  /** Views of its SAE that were opened too. */
  readonly views: readonly string[];
}

/** Lines of metrics.jsonl that have a `step`. */
export type Metrics = readonly Readonly<Record<string, unknown>>[];

/** The body of every refused request. */
export interface Refusal {
  readonly error: string;
}
