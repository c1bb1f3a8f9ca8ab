import type { Transform } from "../images/transform.js";
import type { JsonReader } from "./json-reader.js";
import { clipTransform } from "./usual-transforms.js";

/** open_clip's defaults where a config names nothing else. */
const { mean: defaultMean, std: defaultStd } = clipTransform;

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
