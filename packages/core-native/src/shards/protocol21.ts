import { createHash } from "node:crypto";
import type { Metadata, StoredDtype } from "@saev/config";
import { SaevError } from "../errors.js";
import { shardName } from "./layout.js";

/** The metadata.json of the Python package's present layout, "protocol 2.1", keys in its order. */
export interface Protocol21Metadata {
  readonly family: string;
  readonly ckpt: string;
  /** Recorded layers, in the order in which they lie in the shards. */
  readonly layers: readonly number[];
  /** Patches of an image, without CLS. */
  readonly content_tokens_per_example: number;
  readonly cls_token: boolean;
  readonly d_model: number;
  readonly n_examples: number;
  readonly max_tokens_per_shard: number;
  /** Base64 of a pickle of the dataset's config. Never unpickled here. */
  readonly data: string;
  /** Path of the dataset. */
  readonly dataset: string;
  /** How pixel labels became patch labels, for segmentation data. */
  readonly pixel_agg: string | null;
  readonly dtype: StoredDtype;
  readonly protocol: string;
}

/** An entry of shards.json. */
export interface ShardEntry {
  readonly name: string;
  readonly n_examples: number;
}

const count = (min: number) => ({
  want: `a whole number, ${min} or more`,
  is: (x: unknown) => Number.isSafeInteger(x) && (x as number) >= min,
});
const text = { want: "a string", is: (x: unknown) => typeof x === "string" };

/** What each key must hold; their order is the order of the class, which is what is hashed. */
const keys: Readonly<
  Record<keyof Protocol21Metadata, { readonly want: string; readonly is: (x: unknown) => boolean }>
> = {
  family: text,
  ckpt: text,
  layers: {
    want: "a list of one or more whole numbers",
    is: (x) => Array.isArray(x) && x.length > 0 && x.every(Number.isSafeInteger),
  },
  content_tokens_per_example: count(1),
  cls_token: { want: "true or false", is: (x) => typeof x === "boolean" },
  d_model: count(1),
  n_examples: count(0),
  max_tokens_per_shard: count(1),
  data: text,
  dataset: text,
  pixel_agg: { want: "a string or null", is: (x) => x === null || typeof x === "string" },
  // The Python package has "float32" only, and refuses the others.
  dtype: {
    want: '"float32", "float16" or "bfloat16"',
    is: (x) => x === "float32" || x === "float16" || x === "bfloat16",
  },
  protocol: { want: '"2.1"', is: (x) => x === "2.1" },
};

/** Whether the content of a metadata.json is of this layout or one of its forerunners, not of the document's. */
export const looksLikeProtocol21 = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "family" in value && !("vit_family" in value);

/** @throws SaevError `BAD_FILE` with every mistake. */
export function parseProtocol21(value: unknown, file: string): Protocol21Metadata {
  const found = value as Readonly<Record<string, unknown>>;
  const shown = (x: unknown) => (x === undefined ? "nothing" : JSON.stringify(x).slice(0, 60));
  const mistakes = [
    ...Object.entries(keys)
      .filter(([key, { is }]) => !is(found[key]))
      .map(([key, { want }]) => `${key}: expected ${want}, found ${shown(found[key])}`),
    ...Object.keys(found)
      .filter((key) => !(key in keys))
      .map((key) => `${key.slice(0, 60)}: unknown in protocol 2.1`),
  ];
  if (mistakes.length > 0) throw new SaevError("BAD_FILE", `${file}: ${firstOf(mistakes)}`);
  const ordered = Object.fromEntries(Object.keys(keys).map((key) => [key, found[key]]));
  return Object.freeze(ordered) as unknown as Protocol21Metadata;
}

/** The first dozen: a file may hold any number of mistakes. */
function firstOf(mistakes: readonly string[]): string {
  const shown = mistakes.slice(0, 12).join("; ");
  return mistakes.length > 12 ? `${shown}; and ${mistakes.length - 12} more mistakes` : shown;
}

/** Keys in the order of the class, whatever the order of `metadata`'s. */
const ordered = (metadata: Protocol21Metadata): object =>
  Object.fromEntries(Object.keys(keys).map((key) => [key, metadata[key as keyof Protocol21Metadata]]));

/** The exact text of metadata.json: UTF-8, 2 spaces of indent, no newline at the end. */
export const protocol21Text = (metadata: Protocol21Metadata): string =>
  JSON.stringify(ordered(metadata), null, 2);

/** SHA-256 in hex of the compact text; the folder's name is its first 8 digits (earlier in 2025: all of them). */
export const protocol21Hash = (metadata: Protocol21Metadata): string =>
  createHash("sha256")
    .update(JSON.stringify(ordered(metadata)))
    .digest("hex");

/**
 * Base64 of a pickle that holds a text: what stands in `data` where the dataset's config is known as text only. Protocol 2:
 * BINUNICODE, its length, the UTF-8 bytes, STOP.
 */
export function pickledText(value: string): string {
  const bytes = Buffer.from(value, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from([0x80, 2, 0x58]), length, bytes, Buffer.from(".")]).toString("base64");
}

/** The text in such a pickle; undefined for any other, which is not read. */
export function unpickledText(data: string): string | undefined {
  const bytes = Buffer.from(data, "base64");
  const text = bytes.subarray(7, -1).toString("utf8");
  return pickledText(text) === data ? text : undefined;
}

/**
 * The metadata that the present layout has of a recording in the document's.
 * @param nExamples images that are recorded.
 * @param labelled whether there is a labels.bin.
 */
export const protocol21Of = (
  metadata: Metadata,
  nExamples: number,
  labelled: boolean,
): Protocol21Metadata => ({
  family: metadata.vit_family,
  ckpt: metadata.vit_ckpt,
  layers: metadata.layers,
  content_tokens_per_example: metadata.n_patches_per_img,
  cls_token: metadata.cls_token,
  d_model: metadata.d_vit,
  n_examples: nExamples,
  max_tokens_per_shard: metadata.n_patches_per_shard,
  data: pickledText(metadata.data),
  dataset: datasetOf(metadata.data),
  pixel_agg: labelled ? "majority" : null,
  dtype: metadata.dtype ?? "float32",
  protocol: "2.1",
});

/** The root, or else the name, in Python's repr of a dataset's config. */
function datasetOf(repr: string): string {
  const value = /\b(?:root|name)=(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/.exec(repr);
  return (value?.[1] ?? value?.[2] ?? "").replaceAll(/\\(['"\\])/g, "$1");
}

/** What shards.json lists for so many images: full shards, and a last one. */
export const shardEntries = (images: number, perShard: number): readonly ShardEntry[] =>
  Array.from({ length: Math.ceil(images / perShard) }, (_, i) => ({
    name: shardName(i),
    n_examples: Math.min(perShard, images - i * perShard),
  }));

/** The exact text of shards.json. */
export const shardEntriesText = (entries: readonly ShardEntry[]): string => JSON.stringify(entries, null, 2);

/**
 * The images that shards.json says are recorded. The entries must be acts000000.bin, acts000001.bin, … and full but
 * for the last: where the Python package fills a shard exactly, an empty one follows.
 * @throws SaevError `BAD_FILE`.
 */
export function parseShardEntries(
  content: string,
  file: string,
  metadata: Metadata,
  perShard: number,
): number {
  const bad = (what: string) => new SaevError("BAD_FILE", `${file}: ${what}; record these activations again`);
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    throw bad(`expected JSON, found ${(error as Error).message}`);
  }
  if (!Array.isArray(value)) throw bad("expected a list of { name, n_examples }");
  let total = 0;
  for (const [i, entry] of value.entries()) {
    const { name, n_examples: n } = (entry ?? {}) as Partial<ShardEntry>;
    if (name !== shardName(i))
      throw bad(`entry ${i}: expected the name ${shardName(i)}, found ${JSON.stringify(name)}`);
    if (!Number.isSafeInteger(n) || n! < 0 || n! > perShard)
      throw bad(`${name}: expected n_examples between 0 and ${perShard}, found ${JSON.stringify(n)}`);
    if (total !== i * perShard && n !== 0) throw bad(`${name} follows a shard that is not full`);
    total += n!;
  }
  if (total > metadata.n_imgs)
    throw bad(`it counts ${total} examples, and metadata.json has n_examples ${metadata.n_imgs}`);
  return total;
}

/**
 * The same facts in the document's words, for everything that reads shards. What that layout has no place for is lost,
 * and what this one has no place for gets the document's default (`seed`).
 */
export const documentMetadata = (metadata: Protocol21Metadata): Metadata =>
  Object.freeze({
    vit_family: metadata.family,
    vit_ckpt: metadata.ckpt,
    layers: metadata.layers,
    n_patches_per_img: metadata.content_tokens_per_example,
    cls_token: metadata.cls_token,
    d_vit: metadata.d_model,
    seed: 42,
    n_imgs: metadata.n_examples,
    n_patches_per_shard: metadata.max_tokens_per_shard,
    data: metadata.data,
    ...(metadata.dtype !== "float32" && { dtype: metadata.dtype }),
  });
