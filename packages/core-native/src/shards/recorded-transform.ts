import { existsSync } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import { families } from "../vit/families.js";
import { modelFacts } from "../vit/model-facts.js";
import { clipTransform } from "../vit/usual-transforms.js";
import { readPreprocessing } from "./preprocessing.js";
import type { ShardFolder } from "./shard-folder.js";

/** What was done to a picture before its activations were recorded, and where that is known from. */
export interface RecordedTransform {
  readonly transform: Transform;
  /**
   * `recording`: the folder says it. `model`: the model that its metadata name is on this machine, and says it. `family`: neither;
   * it is what most models of the family do.
   */
  readonly from: "recording" | "model" | "family";
  /** What to tell the user: set where `from` is `family`. */
  readonly note?: string;
}

/**
 * How the pictures of a shard folder were prepared. Asks no server.
 * @param base where a relative path for a model starts. Default: the working directory.
 * @throws SaevError `BAD_FILE` for a damaged preprocessing.json, `IO`.
 */
export async function recordedTransform(
  { dir, metadata }: ShardFolder,
  base = process.cwd(),
): Promise<RecordedTransform> {
  const recorded = await readPreprocessing(dir);
  if (recorded) return { transform: recorded, from: "recording" };
  const { vit_family: name, vit_ckpt: ckpt } = metadata;
  const beside = path.resolve(base, ckpt);
  const places = [ckpt, ...(existsSync(beside) ? [beside] : [])];
  for (const place of places) {
    try {
      const { transform } = await modelFacts(name, place, { offline: true });
      return { transform, from: "model" };
    } catch (error) {
      if (!(error instanceof SaevError)) throw error;
    }
  }
  const family = families.find((one) => one.name === name);
  const of = family ? `most models of the ${name} family` : "CLIP, as its family is not known here";
  return {
    transform: family?.usual ?? clipTransform,
    from: "family",
    note: `${dir} does not say how its pictures were prepared, and its model (${ckpt}) is not on this machine: they are cut as for ${of}`,
  };
}
