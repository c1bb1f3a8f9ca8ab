import type { Histogram, SortBy } from "@saev/core";

/**
 * What a latent's firing frequency says of it: never, in fewer than one of ten million rows, in more than one of a
 * hundred (the limits of the Python package's evaluation), or between.
 */
export type LatentState = "dead" | "almost dead" | "dense" | "alive";

/** @param frequency fraction of rows in which the latent fires. */
export function latentState(frequency: number): LatentState {
  if (frequency === 0) return "dead";
  if (frequency < 1e-7) return "almost dead";
  return frequency > 1e-2 ? "dense" : "alive";
}

/** An image of a latent's ranking, with its heat map. */
export interface GalleryImage {
  /** Index of the image in its dataset; the gallery stores its picture once for all latents. */
  readonly image: number;
  /** What ranks it: the CLS value, the sum over patches or the largest patch. */
  readonly score: number;
  /** The strongest patch; absent where there is no heat map. */
  readonly topPatch?: number | undefined;
  /** f_x of each patch, row by row from the top left; absent where there is no heat map. */
  readonly values?: Float32Array | undefined;
}

export interface GalleryLatent {
  readonly latent: number;
  /** Fraction of rows in which it fires. */
  readonly frequency: number;
  /** Mean of its firing values; NaN when it never fires. */
  readonly meanValue: number;
  /** Largest value over all rows. */
  readonly maxValue: number;
  /** Percentile over all rows, silent ones included. */
  readonly percentile: number;
  /** The same percentile over the rows in which it fires; NaN when it never does. */
  readonly firingPercentile: number;
  readonly histogram: Histogram;
  /** Value at which heat maps have the last colour: the largest of the shown images' patches. */
  readonly upper: number;
  /** Best first. */
  readonly images: readonly GalleryImage[];
}

/** How an image of the dataset is called. */
export interface GalleryCaption {
  /** Name of the class; empty when there is none. */
  readonly label: string;
  /** File name or other name in the dataset. */
  readonly name: string;
}

export interface GalleryContent {
  /** Heading of the page, e.g. the checkpoint's name. */
  readonly title: string;
  readonly sortBy: SortBy;
  /** Which percentile `percentile` and `firingPercentile` are. */
  readonly p: number;
  /** Rows over which frequencies are fractions. */
  readonly rows: number;
  /** Images in the dataset. */
  readonly nImages: number;
  /** Of all latents of the SAE, shown or not. */
  readonly counts: Readonly<Record<LatentState, number>>;
  /** SVG of frequency against mean value; optional. */
  readonly overview?: string | undefined;
  readonly latents: readonly GalleryLatent[];
  /** For each image that any latent shows. */
  caption(image: number): GalleryCaption;
}

/** `x` with at most six significant digits: what a person reads and what a page should carry. */
const brief = (x: number): number | null => (Number.isFinite(x) ? Number(x.toPrecision(6)) : null);

/** Steps from 0 to 255 of `upper`, one byte a patch, base64: index of the colour, and with it the opacity. */
export function encodeMap(values: Float32Array, upper: number): string {
  const bytes = Buffer.alloc(values.length);
  if (upper > 0) {
    for (let i = 0; i < values.length; i++) {
      bytes[i] = Math.max(0, Math.min(255, Math.trunc((values[i]! / upper) * 256)));
    }
  }
  return bytes.toString("base64");
}

/** What the page's script reads; short names, since there may be thousands of images. */
export function pageData(content: GalleryContent) {
  const used = new Set<number>();
  const latents = content.latents.map((l) => ({
    id: l.latent,
    state: latentState(l.frequency),
    frequency: brief(l.frequency),
    mean: brief(l.meanValue),
    max: brief(l.maxValue),
    percentile: brief(l.percentile),
    firingPercentile: brief(l.firingPercentile),
    histogram: { ...l.histogram, lo: brief(l.histogram.lo), hi: brief(l.histogram.hi) },
    images: l.images.map((i) => {
      used.add(i.image);
      return {
        i: i.image,
        s: brief(i.score),
        ...(i.values && { p: i.topPatch, m: encodeMap(i.values, l.upper) }),
      };
    }),
  }));
  const captions = Object.fromEntries(
    [...used].map((i) => {
      const { label, name } = content.caption(i);
      return [i, [label, name]];
    }),
  );
  return {
    title: content.title,
    sortBy: content.sortBy,
    p: content.p,
    rows: content.rows,
    nImages: content.nImages,
    counts: content.counts,
    latents,
    captions,
  };
}
