import { randomBytes } from "node:crypto";
import { SaevError, TextEncoder } from "@saev/core";
import { OpenModels, type Party } from "../explorer/live/open-models.js";
import type { OpenView } from "../explorer/views/open-view.js";
import { Embedder } from "./embedder.js";
import { type NamesAbout, writeNames } from "./names-file.js";
import {
  bestWords,
  type Combined,
  combine,
  type LatentDirections,
  type NamedBy,
  type NamedWord,
} from "./score-words.js";
import { makeUnit, meanRow, rowNorm } from "./unit.js";
import type { Vocabulary } from "./vocabulary.js";
import { WordSpace } from "./word-space.js";

/** Below this the embedding does not move at all: differences of unit vectors in float32. */
const stillness = 1e-5;

/** Texts encoded between two reports of how far it is. */
const textsAtOnce = 256;

/** Latents computed at a time. */
const latentsAtOnce = 64;

export interface NameLatentsOptions {
  /** Latents that get names; default: all that fire. */
  readonly latents?: readonly number[] | undefined;
  /** Words of a latent; default 5. */
  readonly words?: number | undefined;
  /** What names are chosen by; default both. */
  readonly by?: NamedBy | undefined;
  /** What a word stands in, with "{}" in its place; default "{}", the word by itself. */
  readonly template?: string | undefined;
  /** Top images of a latent whose embeddings count; default 8. */
  readonly imagesPerLatent?: number | undefined;
  /** Images that stand for all; default 256. */
  readonly sampledImages?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: NamesProgress) => void) | undefined;
}

export interface NamesProgress {
  readonly stage: "words" | "images" | "latents";
  readonly done: number;
  readonly total: number;
}

export interface NamedLatents {
  readonly about: NamesAbout;
  /** By latent: words, best first. Latents without any are left out. */
  readonly latents: ReadonlyMap<number, readonly NamedWord[]>;
}

/**
 * Names the latents of a visuals folder with words of a vocabulary, and writes `names.json` and `names.safetensors` into it:
 * docs/names.md has the formulas. The recording, the SAE and the model, with its text tower, must be here.
 * @throws SaevError as {@link OpenModels.open}, {@link TextEncoder.load} and {@link Embedder}; `INVALID_ARGUMENT` for a latent
 * that is not there and a template without "{}"; the signal's reason.
 */
export async function nameLatents(
  view: OpenView,
  vocabulary: Vocabulary,
  options: NameLatentsOptions = {},
): Promise<NamedLatents> {
  const { signal, template = "{}", words: nWords = 5, imagesPerLatent = 8, sampledImages = 256 } = options;
  const { by = "both" } = options;
  const chosen = chosenLatents(view, options.latents);
  if (!template.includes("{}")) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `template: expected "{}" where the word stands, found "${template}"`,
    );
  }
  const models = new OpenModels();
  try {
    const party = await models.open(view);
    const embedder = new Embedder(party, view.cfg!.data.layer as number);
    const words = await wordSpace(party, vocabulary, template, options);
    const directions = await directionsOf(view, embedder, chosen, {
      ...options,
      imagesPerLatent,
      sampledImages,
    });
    const named: number[] = [];
    const kept: LatentDirections[] = [];
    const combined: Combined[] = [];
    for (const [i, latent] of chosen.entries()) {
      const both = combine(directions[i]!, words, by);
      if (!both) continue;
      named.push(latent);
      kept.push(directions[i]!);
      combined.push(both);
    }
    const best = await bestWords(kept, combined, words, vocabulary.words, nWords, signal);
    const about: NamesAbout = {
      ...{ vit_family: party.vit.family, vit_ckpt: party.ckpt, layer: party.layer, reads: party.reads },
      vocabulary: { file: vocabulary.file ?? null, words: vocabulary.words.length },
      ...{ template, by, images_per_latent: imagesPerLatent, sampled_images: sampledImages },
    };
    const latents = new Map(named.map((latent, i) => [latent, best[i]!]));
    const rounded = [...latents].map(([latent, list]) => [latent, list.map(shortened)]);
    const names = { made: randomBytes(8).toString("hex"), about, latents: Object.fromEntries(rounded) };
    await writeNames(view.tables.folder, names, named, combined, words.centre);
    return { about, latents };
  } finally {
    models.dispose();
  }
}

function chosenLatents({ tables }: OpenView, wanted: readonly number[] | undefined): number[] {
  const wrong = wanted?.find((latent) => !(Number.isInteger(latent) && latent >= 0 && latent < tables.dSae));
  if (wrong !== undefined) {
    throw new SaevError("INVALID_ARGUMENT", `latents: expected 0 to ${tables.dSae - 1}, found ${wrong}`);
  }
  const all = wanted ? [...new Set(wanted)].sort((a, b) => a - b) : [...tables.frequency.keys()];
  return all.filter((latent) => tables.frequency[latent]! > 0);
}

/** The vocabulary in the space of texts. */
async function wordSpace(
  { ckpt, vit }: Party,
  { words }: Vocabulary,
  template: string,
  { signal, onProgress }: NameLatentsOptions,
): Promise<WordSpace> {
  using encoder = await TextEncoder.load(ckpt, { signal });
  const width = encoder.dEmbedding;
  if (width !== vit.dEmbedding) {
    throw new SaevError(
      "SHAPE_MISMATCH",
      `${ckpt}: texts have ${width} numbers, pictures ${vit.dEmbedding}: they are not in one space`,
    );
  }
  const vectors = new Float32Array(words.length * width);
  for (let from = 0; from < words.length; from += textsAtOnce) {
    const texts = words.slice(from, from + textsAtOnce).map((word) => template.replaceAll("{}", () => word));
    using some = await encoder.encode(texts, { signal });
    vectors.set(some.toFloat32Array(), from * width);
    onProgress?.({ stage: "words", done: from + texts.length, total: words.length });
  }
  return new WordSpace(vectors, width);
}

/** Where latents lie in the space of texts, by their decoder directions and by their top images. */
async function directionsOf(
  view: OpenView,
  embedder: Embedder,
  latents: readonly number[],
  options: NameLatentsOptions & { readonly imagesPerLatent: number; readonly sampledImages: number },
): Promise<LatentDirections[]> {
  const { signal, onProgress } = options;
  const { width } = embedder;
  const { sae, scaling } = embedder.party;
  const top = latents.map((latent) => topOf(view, embedder, latent, options.imagesPerLatent));
  const sample = embedder.sample(options.sampledImages);
  const images = [...new Set([...sample, ...top.flatMap(({ images }) => images)])].sort((a, b) => a - b);
  const place = new Map(images.map((image, i) => [image, i]));
  const embeddings = await embedder.images(images, {
    signal,
    onStep: (done, total) => onProgress?.({ stage: "images", done, total }),
  });
  const embeddingOf = (image: number) => {
    const at = place.get(image)! * width;
    return embeddings.subarray(at, at + width);
  };
  const sampled = new Float32Array(sample.length * width);
  sample.forEach((image, i) => {
    sampled.set(embeddingOf(image), i * width);
  });
  const mean = meanRow(sampled, width);

  const stream = await embedder.meanStream(sample);
  const still = await embedder.moved(stream, new Float32Array(embedder.party.vit.dVit), signal);
  using tensors = disposable(sae.tensors());
  const { wDec } = tensors;
  const dVit = embedder.party.vit.dVit;
  const all: LatentDirections[] = [];
  for (let from = 0; from < latents.length; from += latentsAtOnce) {
    const some = latents.slice(from, from + latentsAtOnce);
    const added = new Float32Array(some.length * dVit);
    for (const [i, latent] of some.entries()) {
      using row = wDec.narrow(0, latent, 1);
      const { typical } = top[from + i]!;
      added.set(
        row.toFloat32Array().map((v) => v * typical * scaling.scalar),
        i * dVit,
      );
    }
    const moved = await embedder.moved(stream, added, signal);
    for (let i = 0; i < some.length; i++) {
      const { images: own, scores } = top[from + i]!;
      const movement = tangent(moved.subarray(i * width, (i + 1) * width), still);
      all.push({
        decoder: direction(movement),
        pictures: direction(pulled(own, scores, embeddingOf, mean)),
      });
    }
    onProgress?.({ stage: "latents", done: from + some.length, total: latents.length });
  }
  return all;
}

/** Which way unit vector `to` lies from unit vector `from`: to − (to·from) from, at right angles to `from`. */
function tangent(to: Float32Array, from: Float32Array): Float32Array {
  let cosine = 0;
  for (let k = 0; k < to.length; k++) cosine += to[k]! * from[k]!;
  return to.map((v, k) => v - cosine * from[k]!);
}

/** The strongest recorded images of a latent, and the value that is typical of them: their mean. */
function topOf(view: OpenView, embedder: Embedder, latent: number, most: number) {
  const { images, scores } = view.tables.ranked(latent);
  const kept = images
    .map((image, i) => ({ image, score: scores[i]! }))
    .filter(({ image }) => embedder.has(image));
  const best = kept.slice(0, most);
  const sum = best.reduce((total, { score }) => total + score, 0);
  return {
    images: best.map(({ image }) => image),
    scores: best.map(({ score }) => score),
    typical: best.length > 0 ? sum / best.length : view.tables.mean[latent]!,
  };
}

/** Σ a e / Σ a − mean. */
function pulled(
  images: readonly number[],
  scores: readonly number[],
  embeddingOf: (image: number) => Float32Array,
  mean: Float64Array,
): Float32Array {
  const sum = new Float64Array(mean.length);
  const total = scores.reduce((a, b) => a + b, 0);
  if (!(total > 0)) return new Float32Array(mean.length);
  images.forEach((image, i) => {
    const e = embeddingOf(image);
    for (let k = 0; k < sum.length; k++) sum[k]! += (scores[i]! / total) * e[k]!;
  });
  return Float32Array.from(sum, (v, k) => v - mean[k]!);
}

/** A difference of embeddings as a direction; undefined for none. */
const direction = (difference: Float32Array): Float32Array | undefined =>
  rowNorm(difference, 0, difference.length) > stillness ? makeUnit(difference, difference.length) : undefined;

/** Five digits: more say nothing, and files of many latents are long enough. */
const shortened = ({ word, score, decoder, pictures }: NamedWord): NamedWord => {
  const short = (x: number) => Number(x.toPrecision(5));
  return {
    word,
    score: short(score),
    decoder: decoder === null ? null : short(decoder),
    pictures: pictures === null ? null : short(pictures),
  };
};

function disposable<T extends object>(tensors: T): T & Disposable {
  return Object.assign(tensors, {
    [Symbol.dispose]() {
      for (const tensor of Object.values(tensors)) (tensor as Partial<Disposable>)[Symbol.dispose]?.();
    },
  });
}
