import type { Transform } from "../images/transform.js";
import type { JsonReader } from "./json-reader.js";

/** What OpenAI's CLIP was trained with, and open_clip's default where a config names nothing else. */
const defaultMean = [0.48145466, 0.4578275, 0.40821073] as const;
const defaultStd = [0.26862954, 0.26130258, 0.27577711] as const;

/** What `preprocess_cfg` of an `open_clip_config.json` says, for a tower that takes this size. */
export function openClipTransform(config: JsonReader, imageHeight: number, imageWidth: number): Transform {
  const preprocess = config.optional("preprocess_cfg");
  // The preprocessing may name a size of its own; open_clip then resizes to that.
  const [height, width] = preprocess?.has("size")
    ? preprocess.pair("size", imageHeight)
    : [imageHeight, imageWidth];
  return {
    mode:
      preprocess?.choice("resize_mode", ["shortest", "squash", "longest"] as const, "shortest") ?? "shortest",
    resizeHeight: height,
    resizeWidth: width,
    height,
    width,
    filter: preprocess?.choice("interpolation", ["bicubic", "bilinear"] as const, "bicubic") ?? "bicubic",
    mean: preprocess?.triple("mean", defaultMean) ?? defaultMean,
    std: preprocess?.triple("std", defaultStd) ?? defaultStd,
  };
}
