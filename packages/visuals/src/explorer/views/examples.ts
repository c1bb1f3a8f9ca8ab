import { existsSync } from "node:fs";
import { TensorFile } from "@saev/core";
import { examplesFpath } from "../../examples-file.js";
import type { Companion } from "../api.js";

/** A sampled image in which a latent fires. */
export interface Example {
  readonly image: number;
  /** Value of its strongest patch. */
  readonly value: number;
  /** f_x of each patch. */
  readonly map: Float32Array;
}

/** `latent_examples.safetensors` of a visuals folder, on its mapped file. */
export class Examples {
  readonly #sampledImages: readonly number[];
  #counted: Uint16Array | undefined;

  private constructor(
    readonly file: TensorFile,
    readonly patches: number,
  ) {
    using sampled = file.get("sampledImages");
    this.#sampledImages = Array.from(sampled.toTypedArray(), Number);
  }

  /** undefined where the folder has none: those of the Python package and of earlier versions. @throws SaevError `BAD_FILE`. */
  static async open(folder: string, patches: number): Promise<Examples | undefined> {
    const file = examplesFpath(folder);
    return existsSync(file) ? new Examples(await TensorFile.open(file), patches) : undefined;
  }

  /** Images in which the latent fires. */
  count(latent: number): number {
    return Number(this.#row("counts", latent, 1)[0]);
  }

  /** The sample, strongest first. */
  of(latent: number): Example[] {
    using shape = this.file.get("images");
    const [, n = 0] = shape.shape;
    const images = this.#row("images", latent, 1);
    const values = this.#row("values", latent, 1);
    const starts = Array.from(this.#row("mapStarts", latent * n, n + 1), Number);
    const [from = 0, to = 0] = [starts[0], starts[n]];
    const mapPatches = to > from ? this.#row("mapPatches", from, to - from) : [];
    const mapValues = to > from ? this.#row("mapValues", from, to - from) : [];
    const examples: Example[] = [];
    for (let j = 0; j < n && Number(images[j]) >= 0; j++) {
      const map = new Float32Array(this.patches);
      for (let at = starts[j]! - from; at < starts[j + 1]! - from; at++) {
        map[Number(mapPatches[at])] = Number(mapValues[at]);
      }
      examples.push({ image: Number(images[j]), value: Number(values[j]), map });
    }
    return examples.sort((a, b) => b.value - a.value || a.image - b.image);
  }

  /** Sampled images in which the latent does not fire, the first `most` of them in an order that depends on the latent. */
  silent(latent: number, most: number): number[] {
    const fired = this.#row("fired", latent, 1) as Uint8Array;
    return shuffled(
      this.#sampledImages.filter((_, i) => ((fired[i >> 3]! >> (i & 7)) & 1) === 0),
      latent,
    ).slice(0, most);
  }

  /** Latents that fire in the same sampled images, those most alike first; none where the latent fires in none. */
  companions(latent: number, most: number): Companion[] {
    const own = this.#row("fired", latent, 1) as Uint8Array;
    // A latent fires in few images: most bytes of the others need no look.
    const places = [...own.keys()].filter((i) => own[i] !== 0);
    const sizes = this.#sizes();
    const found: Companion[] = [];
    for (const { first, bits, bytes } of this.#fired()) {
      for (let row = 0; row < bits.length / bytes; row++) {
        let together = 0;
        for (const i of places) together += bitCounts[own[i]! & bits[row * bytes + i]!]!;
        const other = first + row;
        if (together === 0 || other === latent) continue;
        const jaccard = together / (sizes[latent]! + sizes[other]! - together);
        found.push({ latent: other, together, jaccard });
      }
    }
    return found.sort((a, b) => b.jaccard - a.jaccard || a.latent - b.latent).slice(0, most);
  }

  /** In how many sampled images each latent fires. */
  #sizes(): Uint16Array {
    if (this.#counted) return this.#counted;
    const counts: number[] = [];
    for (const { bits, bytes } of this.#fired()) {
      for (let at = 0; at < bits.length; at += bytes) {
        let count = 0;
        for (let i = at; i < at + bytes; i++) count += bitCounts[bits[i]!]!;
        counts.push(count);
      }
    }
    this.#counted = Uint16Array.from(counts);
    return this.#counted;
  }

  /** The bits of all latents, some rows at a time. */
  *#fired(): Generator<{ readonly first: number; readonly bits: Uint8Array; readonly bytes: number }> {
    using all = this.file.get("fired");
    const [dSae = 0, bytes = 0] = all.shape;
    for (let first = 0; first < dSae; first += rowsAtATime) {
      using rows = all.narrow(0, first, Math.min(rowsAtATime, dSae - first));
      yield { first, bits: rows.toTypedArray() as Uint8Array, bytes };
    }
  }

  #row(name: string, start: number, length: number) {
    using all = this.file.get(name);
    using rows = all.narrow(0, start, length);
    return rows.toTypedArray();
  }

  dispose(): void {
    this.file.dispose();
  }
}

/** 1 MB of bits. */
const rowsAtATime = 4096;

const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

/** In an order that looks random and is the same each time. */
export function shuffled<T>(list: readonly T[], seed: number): T[] {
  const keyed = list.map((item, i) => ({
    item,
    key: Math.imul((i + 1) ^ (seed * 2654435761), 0x9e3779b1) >>> 0,
  }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/** Of a list from strongest to weakest, the entries at even steps, both ends among them, each once. */
export function atQuantiles<T>(list: readonly T[], most: number): { item: T; quantile: number }[] {
  const last = list.length - 1;
  const places = Array.from(
    { length: Math.min(most, list.length) },
    (_, i, all = Math.min(most, list.length)) => (all === 1 ? 0 : Math.round((i / (all - 1)) * last)),
  );
  return places.map((at) => ({ item: list[at]!, quantile: last === 0 ? 1 : 1 - at / last }));
}
