import { SaevError, TextEncoder } from "@saev/core";
import { HTTPException } from "hono/http-exception";
import { LRUCache } from "lru-cache";
import pLimit from "p-limit";
import { type NamesVectors, readNames, readNamesVectors } from "../../names/names-file.js";
import { placeText } from "../../names/word-space.js";
import { ClassScores } from "../live/class-scores.js";
import { longestQueue } from "../live/limits.js";
import type { OpenView } from "../views/open-view.js";
import type { FoundLatents, NamesPage } from "./api.js";

/** Characters of a text, and labels at a time. */
export const longestText = 1000;
export const mostLabels = 1000;

/** Models whose text towers are open at a time, vectors of views, and lists of labels whose vectors are kept. */
const keptEncoders = 1;
const keptVectors = 2;
const keptLabels = 8;

/** Texts that were typed, in the space of a model's pictures: found latents, labels. The encoder runs on one at a time. */
export class Texts {
  readonly #encoders = new LRUCache<string, TextEncoder>({
    max: keptEncoders,
    dispose: (encoder) => encoder.dispose(),
  });
  readonly #vectors = new LRUCache<string, NamesVectors & { readonly made: string }>({ max: keptVectors });
  readonly #labels = new LRUCache<string, ClassScores>({ max: keptLabels });
  /** Models whose texts can be read. */
  readonly #able = new Set<string>();
  readonly #one = pLimit(1);

  /** The names of a view. @throws SaevError `BAD_FILE`. */
  names({ tables }: OpenView): NamesPage | null {
    const names = readNames(tables.folder, tables.dSae);
    return names ? { about: names.about, latents: names.latents } : null;
  }

  /**
   * Ranks a view's latents by a text.
   * @param body of the request.
   * @throws SaevError `INVALID_ARGUMENT`, `NOT_FOUND` without names or without the model, `BAD_FILE`.
   */
  async find({ tables }: OpenView, body: unknown): Promise<FoundLatents> {
    const text = parseText((body as { text?: unknown } | undefined)?.text, "text");
    const names = readNames(tables.folder, tables.dSae);
    let vectors = this.#vectors.get(tables.folder);
    if (!names || vectors?.made !== names.made) {
      const read = await readNamesVectors(tables.folder, tables.dSae);
      vectors = { ...read, made: names?.made ?? "" };
      this.#vectors.set(tables.folder, vectors);
    }
    const { latents, width, offsets, centre } = vectors;
    const encoded = await this.#run(async () => {
      const encoder = await this.#encoderOf(names!.about.vit_ckpt);
      if (encoder.dEmbedding !== width) {
        throw new SaevError(
          "SHAPE_MISMATCH",
          `texts of ${names!.about.vit_ckpt} have ${encoder.dEmbedding} numbers, the names ${width}: make them again with saev names`,
        );
      }
      using rows = await encoder.encode([text]);
      return rows.toFloat32Array();
    });
    const place = placeText(encoded, centre);
    const all = vectors.vectors;
    const scores = Float32Array.from(offsets, (offset, i) => {
      let product = 0;
      for (let k = 0; k < width; k++) product += place[k]! * all[i * width + k]!;
      return product - offset;
    });
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
    return { latents: order.map((i) => latents[i]!), scores: order.map((i) => scores[i]!) };
  }

  /**
   * What pictures of a model are scored with, from names of classes.
   * @param ckpt names the model.
   * @throws SaevError `INVALID_ARGUMENT` for what is no list of two names or more; as `TextEncoder.load`.
   */
  async classes(ckpt: string, given: unknown): Promise<ClassScores> {
    const labels = parseLabels(given);
    const key = JSON.stringify([ckpt, labels]);
    let scores = this.#labels.get(key);
    if (!scores) {
      scores = await this.#run(async () => {
        const encoder = await this.#encoderOf(ckpt);
        using rows = await encoder.encode(labels);
        return ClassScores.of(labels, rows.toFloat32Array(), encoder.logitScale);
      });
      this.#labels.set(key, scores);
    }
    return scores;
  }

  /** Why the model's text tower cannot read texts; undefined when it can. The tower itself is opened by the first text. */
  async whyNot(ckpt: string): Promise<string | undefined> {
    if (this.#able.has(ckpt)) return undefined;
    const why = await TextEncoder.whyNot(ckpt, { offline: true });
    // What is missing may be there the next time.
    if (why === undefined) this.#able.add(ckpt);
    return why;
  }

  dispose(): void {
    this.#encoders.clear();
  }

  async #encoderOf(ckpt: string): Promise<TextEncoder> {
    let encoder = this.#encoders.get(ckpt);
    if (!encoder) {
      this.#encoders.clear();
      // What is not here is not fetched: the explorer speaks to nobody.
      encoder = await TextEncoder.load(ckpt, { offline: true });
      this.#encoders.set(ckpt, encoder);
    }
    return encoder;
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    const waiting = this.#one.pendingCount;
    if (waiting >= longestQueue)
      throw new HTTPException(503, { message: `${waiting} texts wait already; ask again later` });
    return this.#one(work);
  }
}

function parseText(text: unknown, what: string): string {
  if (typeof text === "string" && text.trim() !== "" && text.length <= longestText) return text;
  throw new SaevError("INVALID_ARGUMENT", `${what}: expected 1 to ${longestText} characters`);
}

function parseLabels(given: unknown): string[] {
  if (!Array.isArray(given) || given.length < 2 || given.length > mostLabels) {
    throw new SaevError("INVALID_ARGUMENT", `labels: expected a list of 2 to ${mostLabels} names`);
  }
  return given.map((label, i) => parseText(label, `labels[${i}]`));
}
