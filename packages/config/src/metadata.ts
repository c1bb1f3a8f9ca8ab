import { type Activations, activationsSpec, type ResolvedActivations } from "./activations.js";
import { reprOfDataset } from "./dataset-repr.js";
import type { ConfigOf, Field, FieldType } from "./fields.js";
import { auto, spec } from "./fields.js";
import { ConfigError, wrongValue } from "./issues.js";
import { type ParseOptions, parseConfig } from "./parse.js";
import { pythonJson } from "./python.js";
import { schemaOf } from "./schema.js";
import { sha256 } from "./sha256.js";

/** A field that must be given: metadata has no defaults. */
const given = <T>(type: FieldType, doc: string, min?: number): Field<T> => ({
  type,
  doc,
  group: "data",
  ...(min === undefined ? {} : { min }),
});

export const metadataSpec = spec("Metadata", "What a shard folder holds: its metadata.json.", {
  vit_family: given<string>("string", "Family of the ViT."),
  vit_ckpt: given<string>("string", "Checkpoint of that family."),
  layers: given<readonly number[]>("ints", "Recorded layers, in the order in which they lie in the shards."),
  n_patches_per_img: given<number>("int", "Patches per image, without CLS.", 1),
  cls_token: given<boolean>("bool", "Whether a CLS token comes before the patches."),
  d_vit: given<number>("int", "Width of an activation.", 1),
  seed: given<number>("int", "Seed of the recording."),
  n_imgs: given<number>("int", "Images of the dataset.", 0),
  n_patches_per_shard: given<number>("int", "Most activations in a shard file.", 1),
  data: given<string>("string", "The dataset's config, as Python's repr prints it."),
});

/** How the values of an activation are stored: the Python package knows float32 only. */
export type StoredDtype = "float32" | "float16" | "bfloat16";

export interface Metadata extends ConfigOf<typeof metadataSpec> {
  /**
   * Left out for float32: then the file is the Python package's. Its readers refuse a key that they do not know, and so
   * never take halves for garbage of float32.
   */
  readonly dtype?: Exclude<StoredDtype, "float32">;
}
export const Metadata = schemaOf(metadataSpec);

/**
 * The metadata of the shard folder that a recording makes. `nImgs` is `nImgs(activations.data)`.
 * A size of the model that is "auto" counts as the Python package's default, as in `toDocument`.
 */
export function metadataOf(activations: Activations, nImgs: number): Metadata {
  return Object.freeze({
    vit_family: activations.vit_family,
    vit_ckpt: activations.vit_ckpt,
    layers: activations.vit_layers,
    n_patches_per_img: documentedOr(activationsSpec.fields.n_patches_per_img, activations.n_patches_per_img),
    cls_token: documentedOr(activationsSpec.fields.cls_token, activations.cls_token),
    d_vit: documentedOr(activationsSpec.fields.d_vit, activations.d_vit),
    seed: activations.seed,
    n_imgs: nImgs,
    n_patches_per_shard: activations.n_patches_per_shard,
    data: reprOfDataset(activations.data),
    ...(activations.dtype !== "float32" && { dtype: activations.dtype }),
  });
}

const modelSizes = ["d_vit", "n_patches_per_img", "cls_token"] as const;

/** Whether every size of the model was given. */
export const isResolved = (activations: Activations): activations is ResolvedActivations =>
  modelSizes.every((name) => activations[name] !== auto);

const documentedOr = <T>(field: Field<T | typeof auto>, value: T | typeof auto): T =>
  value === auto ? (field.document as T) : value;

/** Keys in the order of the class, whatever the order of `metadata`'s. */
const ordered = (metadata: Metadata): object => ({
  ...Object.fromEntries(
    Object.keys(metadataSpec.fields).map((key) => [key, metadata[key as keyof Metadata]]),
  ),
  ...(metadata.dtype && { dtype: metadata.dtype }),
});

/** The exact text of metadata.json: ASCII, 4 spaces of indent, no newline at the end. */
export const metadataText = (metadata: Metadata): string => pythonJson(ordered(metadata), { indent: 4 });

/** Name of the shard folder: the SHA-256, in hex, of the metadata as one line of JSON with sorted keys. */
export const metadataHash = (metadata: Metadata): string => sha256(hashedText(metadata)).toString("hex");

/** The text that `metadataHash` hashes. */
export const hashedText = (metadata: Metadata): string => pythonJson(ordered(metadata), { sortKeys: true });

/** A frozen `Metadata` from the parsed content of a metadata.json. @throws ConfigError with every mistake. */
export function parseMetadata(value: unknown, options: ParseOptions = {}): Metadata {
  if (typeof value !== "object" || value === null || !("dtype" in value))
    return parseConfig(Metadata, value, options);
  const { dtype, ...rest } = value;
  const metadata = parseConfig(Metadata, rest, options);
  if (dtype === "float16" || dtype === "bfloat16") return Object.freeze({ ...metadata, dtype });
  const issue = wrongValue("dtype", '"float16" or "bfloat16" (float32 is left out)', dtype);
  throw new ConfigError("INVALID_ARGUMENT", [issue], options.where);
}
