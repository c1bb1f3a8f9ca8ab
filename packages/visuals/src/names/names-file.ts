import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { SaevError, Tensor, TensorFile, writeSafetensors } from "@saev/core";
import { writeFileAtomic } from "../write-file.js";
import type { Combined, NamedBy, NamedWord } from "./score-words.js";

/** Beside the visuals: the names, and what texts are compared with. */
export const namesFile = "names.json";
export const namesVectorsFile = "names.safetensors";

const format = "saev-names-1";

/** What `names.json` says of how it was made. */
export interface NamesAbout {
  readonly vit_family: string;
  readonly vit_ckpt: string;
  /** Index of the block whose output the SAE reads. */
  readonly layer: number;
  readonly reads: "patches" | "cls";
  readonly vocabulary: { readonly file: string | null; readonly words: number };
  /** What a word stands in. */
  readonly template: string;
  readonly by: NamedBy;
  /** Top images of each latent, and images of the whole, at most. */
  readonly images_per_latent: number;
  readonly sampled_images: number;
}

/** `names.json`. */
export interface Names {
  readonly format: typeof format;
  /** The same in both files, and different for every making. */
  readonly made: string;
  readonly about: NamesAbout;
  /** By latent: words, best first. Latents without any are left out. */
  readonly latents: Readonly<Record<string, readonly NamedWord[]>>;
}

/** What `names.safetensors` holds. */
export interface NamesVectors {
  readonly latents: Int32Array;
  /** float32 [latents, width]. */
  readonly vectors: Float32Array;
  readonly offsets: Float32Array;
  /** Of the vocabulary, [width]. */
  readonly centre: Float32Array;
  readonly width: number;
}

/** Writes both files; the names last, so that they are never there without the other. */
export async function writeNames(
  folder: string,
  names: Omit<Names, "format">,
  latents: readonly number[],
  combined: readonly Combined[],
  centre: Float64Array,
): Promise<void> {
  const width = centre.length;
  const vectors = new Float32Array(latents.length * width);
  combined.forEach(({ vector }, i) => {
    vectors.set(vector, i * width);
  });
  const tensors = {
    latents: Tensor.from(Int32Array.from(latents)),
    vectors: Tensor.from(vectors, [latents.length, width]),
    offsets: Tensor.from(Float32Array.from(combined, ({ offset }) => offset)),
    centre: Tensor.from(Float32Array.from(centre)),
  };
  try {
    await writeSafetensors(path.join(folder, namesVectorsFile), tensors, { metadata: { made: names.made } });
  } finally {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  }
  await writeFileAtomic(path.join(folder, namesFile), `${JSON.stringify({ format, ...names })}\n`);
}

/** The names of a visuals folder; undefined where there are none. @throws SaevError `BAD_FILE`. */
export function readNames(folder: string, dSae: number): Names | undefined {
  const file = path.join(folder, namesFile);
  if (!existsSync(file)) return undefined;
  const wrong = (why: string) =>
    new SaevError("BAD_FILE", `${file}: ${why}; make it again with saev names`, { cause: why });
  let found: Partial<Names> | undefined;
  try {
    found = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw wrong((cause as Error).message);
  }
  if (found?.format !== format) throw wrong(`expected "format": "${format}"`);
  const { made, about, latents } = found;
  if (typeof made !== "string" || typeof about?.vit_ckpt !== "string" || typeof latents !== "object") {
    throw wrong("expected made, about and latents");
  }
  const right = Object.entries(latents ?? {}).every(
    ([latent, words]) => /^\d{1,9}$/.test(latent) && Number(latent) < dSae && isWords(words),
  );
  if (!right) throw wrong(`latents: expected lists of words by latent, 0 to ${dSae - 1}`);
  return found as Names;
}

function isWords(words: unknown): boolean {
  const isNumber = (x: unknown) => typeof x === "number";
  return (
    Array.isArray(words) &&
    words.every(
      ({ word, score, decoder, pictures }: Record<string, unknown>) =>
        typeof word === "string" &&
        isNumber(score) &&
        (decoder === null || isNumber(decoder)) &&
        (pictures === null || isNumber(pictures)),
    )
  );
}

/**
 * What texts are compared with.
 * @throws SaevError `NOT_FOUND` without names, `BAD_FILE` for a file of another form or of another making.
 */
export async function readNamesVectors(folder: string, dSae: number): Promise<NamesVectors> {
  const names = readNames(folder, dSae);
  if (!names) {
    throw new SaevError(
      "NOT_FOUND",
      `${folder}: texts are found in names; make them with saev names ${folder}`,
    );
  }
  const file = path.join(folder, namesVectorsFile);
  using opened = await TensorFile.open(file);
  const wrong = (why: string) => new SaevError("BAD_FILE", `${file}: ${why}; make it again with saev names`);
  if (opened.metadata.get("made") !== names.made) throw wrong(`it was not made together with ${namesFile}`);
  const missing = ["latents", "vectors", "offsets", "centre"].find((name) => !opened.names().includes(name));
  if (missing !== undefined) throw wrong(`expected a tensor ${missing}`);
  using latentsTensor = opened.get("latents");
  using vectorsTensor = opened.get("vectors");
  using offsetsTensor = opened.get("offsets");
  using centreTensor = opened.get("centre");
  const [n = 0, width = 0] = vectorsTensor.shape;
  const right =
    vectorsTensor.shape.length === 2 &&
    latentsTensor.dtype === "int32" &&
    [vectorsTensor, offsetsTensor, centreTensor].every(({ dtype }) => dtype === "float32") &&
    latentsTensor.size === n &&
    offsetsTensor.size === n &&
    centreTensor.size === width;
  if (!right) throw wrong("the tensors do not belong together");
  const latents = latentsTensor.toTypedArray() as Int32Array;
  if (latents.some((latent) => latent < 0 || latent >= dSae))
    throw wrong(`latents: expected 0 to ${dSae - 1}`);
  return {
    latents,
    vectors: vectorsTensor.toFloat32Array(),
    offsets: offsetsTensor.toFloat32Array(),
    centre: centreTensor.toFloat32Array(),
    width,
  };
}
