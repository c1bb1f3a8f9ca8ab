import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";
import { imageProcessorFile } from "../hub/layouts.js";
import type { Transform } from "../images/transform.js";
import { JsonReader } from "./json-reader.js";

type Triple = readonly [number, number, number];
const half: Triple = [0.5, 0.5, 0.5];
const imagenet = { mean: [0.485, 0.456, 0.406] as Triple, std: [0.229, 0.224, 0.225] as Triple };
const clip = {
  mean: [0.48145466, 0.4578275, 0.40821073] as Triple,
  std: [0.26862954, 0.26130258, 0.27577711] as Triple,
};

/** What a class of image processor does where its file says nothing. */
interface Defaults {
  /** A size given as one number is that of the shorter side, or of both. */
  readonly one: "shortest" | "squash";
  readonly resize: number;
  /** Side of what is cut out; undefined: nothing is. */
  readonly crop?: number;
  readonly resample: number;
  readonly mean: Triple;
  readonly std: Triple;
  /** Pixels are scaled to [0, 1] first, so that resizing rounds nothing. */
  readonly unrounded?: boolean;
}

const processors: Readonly<Record<string, Defaults>> = {
  ViT: { one: "squash", resize: 224, resample: 2, mean: half, std: half },
  DeiT: { one: "squash", resize: 256, crop: 224, resample: 3, mean: half, std: half },
  Bit: { one: "shortest", resize: 224, crop: 224, resample: 3, ...clip },
  DINOv3ViT: { one: "squash", resize: 224, resample: 2, ...imagenet, unrounded: true },
};

/** Pillow's numbers of filters that are run here. */
const filters: Readonly<Record<number, Transform["filter"]>> = { 2: "bilinear", 3: "bicubic" };

/**
 * The preprocessing of a model of transformers: `preprocessor_config.json` beside its config, and what the class of
 * processor that it names does by itself, on Pillow. Without the file, what the class `usual` does.
 * @param config path of the model's config.
 * @throws SaevError `BAD_FILE`, `UNSUPPORTED` for steps that are not built here.
 */
export function imageProcessor(config: string, usual: keyof typeof processors): Transform {
  const file = path.join(path.dirname(config), imageProcessorFile);
  const root = existsSync(file)
    ? JsonReader.parse(readFileSync(file, "utf8"), file)
    : JsonReader.parse("{}", file);
  const unsupported = (why: string) => new SaevError("UNSUPPORTED", `${file}: ${why}`);
  const type = root.raw("image_processor_type") ?? root.raw("feature_extractor_type");
  const name =
    type === undefined ? usual : String(type).replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, "");
  const known = Object.hasOwn(processors, name) ? processors[name] : undefined;
  if (!known) {
    const all = Object.keys(processors).map((one) => `${one}ImageProcessor`);
    throw unsupported(`${String(type)} is not run; ${all.join(", ")} are`);
  }
  for (const step of ["do_resize", "do_rescale"]) {
    if (!root.boolean(step, true)) throw unsupported(`${step} is false, which is not run`);
  }
  if (Math.abs(root.number("rescale_factor", 1 / 255) * 255 - 1) > 1e-9)
    throw unsupported("rescale_factor is another than 1 / 255, which is not run");
  const resample = root.number("resample", known.resample);
  const filter = filters[resample];
  if (!filter) throw unsupported(`resample ${resample} is not run; 2 (bilinear) and 3 (bicubic) are`);

  const { mode, height: resizeHeight, width: resizeWidth } = sizeOf(root, known, unsupported);
  const [height, width] = root.boolean("do_center_crop", known.crop !== undefined)
    ? sides(root, "crop_size", known.crop ?? 224)
    : [resizeHeight, resizeWidth];
  if (mode === "shortest" && !root.boolean("do_center_crop", known.crop !== undefined))
    throw unsupported(
      "pictures keep their shape (shortest_edge without do_center_crop); saev needs one size for all",
    );
  const normalise = root.boolean("do_normalize", true);
  return {
    ...{ mode, resizeHeight, resizeWidth, height, width, filter },
    mean: normalise ? root.triple("image_mean", known.mean) : [0, 0, 0],
    std: normalise ? root.triple("image_std", known.std) : [1, 1, 1],
    cropDown: true,
    ...(known.unrounded && { unrounded: true, reciprocal: true }),
  };
}

function sizeOf(
  root: JsonReader,
  known: Defaults,
  unsupported: (why: string) => SaevError,
): { mode: "shortest" | "squash"; height: number; width: number } {
  const size = root.raw("size");
  if (size === undefined || size === null || typeof size === "number") {
    const side = root.integer("size", known.resize);
    return { mode: known.one, height: side, width: side };
  }
  const object = root.object("size");
  if (object.has("shortest_edge") && !object.has("longest_edge")) {
    const side = object.integer("shortest_edge", Number.NaN);
    return { mode: "shortest", height: side, width: side };
  }
  const others = Object.keys(object.value).filter((key) => key !== "height" && key !== "width");
  if (others.length > 0) throw unsupported(`size with ${others.join(", ")} is not run`);
  const [height, width] = sides(root, "size", known.resize);
  return { mode: "squash", height, width };
}

/** One number for both, or `{height, width}`. */
function sides(root: JsonReader, key: string, fallback: number): readonly [number, number] {
  const value = root.raw(key);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return root.pair(key, fallback);
  const object = root.object(key);
  return [object.integer("height", Number.NaN), object.integer("width", Number.NaN)];
}
