import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import type { JsonReader } from "./json-reader.js";

/**
 * What timm does to a picture for evaluation, from the `pretrained_cfg` of a config.json (older ones have its members
 * beside `architecture`): the size divided by `crop_pct`, rounded down, then the middle.
 * @param args the model's arguments, whose `img_size` counts where the config names no `input_size`.
 * @throws SaevError `BAD_FILE`, `UNSUPPORTED` for what is not built here.
 */
export function timmTransform(root: JsonReader, args: JsonReader): Transform {
  const config = root.optional("pretrained_cfg") ?? root;
  const unsupported = (why: string) => new SaevError("UNSUPPORTED", `${root.what}: ${why}`);
  const [height, width] = inputSize(config) ?? args.pair("img_size", 224);
  const share = config.number("crop_pct", 0.875);
  if (!(share > 0)) throw unsupported(`crop_pct ${share} is not run; expected a number above 0`);
  const mode = config.has("crop_mode") ? config.string("crop_mode") : "center";
  if (mode !== "center" && mode !== "squash")
    throw unsupported(`crop_mode ${mode} is not run; center and squash are`);
  const filter = config.has("interpolation") ? config.string("interpolation") : "bicubic";
  if (filter !== "bicubic" && filter !== "bilinear")
    throw unsupported(`interpolation ${filter} is not run; bicubic and bilinear are`);
  return {
    mode: mode === "squash" ? "squash" : "shortest",
    resizeHeight: Math.floor(height / share),
    resizeWidth: Math.floor(width / share),
    ...{ height, width, filter },
    mean: config.triple("mean", [0.485, 0.456, 0.406]),
    std: config.triple("std", [0.229, 0.224, 0.225]),
  };
}

/** `[channels, height, width]`. */
function inputSize(config: JsonReader): readonly [number, number] | undefined {
  if (!config.has("input_size")) return undefined;
  const [channels, height, width] = config.triple("input_size", [3, 224, 224]);
  if (channels === 3 && [height, width].every((side) => Number.isSafeInteger(side) && side > 0))
    return [height, width];
  throw new SaevError(
    "BAD_FILE",
    `${config.what}: input_size: expected [3, height, width], found [${[channels, height, width]}]`,
  );
}
