import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { SaevError } from "../errors.js";
import { timmTrunkFile } from "../hub/layouts.js";
import type { Transform } from "../images/transform.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativeHead, NativeModelSizes } from "../native/vision-model.js";
import { descriptionOf } from "./description.js";
import { configOf, type ModelConfig, type ModelFamily } from "./family.js";
import { plainHead, timmPool } from "./head.js";
import { JsonReader } from "./json-reader.js";
import { openClipTransform } from "./open-clip-transform.js";
import { type TimmTrunk, timmSiglip } from "./timm-siglip.js";
import { parseTimmTrunk } from "./timm-trunk-file.js";
import { squashTransform } from "./usual-transforms.js";

/** SigLIP and SigLIP 2: timm's trunks in the layout of open_clip. No CLS token. */
export const siglip: ModelFamily = {
  name: "siglip",
  usual: squashTransform,
  recognises: (config) => /siglip/.test(String(trunkNameOf(config))),
  describe(config) {
    const { sizes, transform } = parse(config);
    return descriptionOf(sizes, transform, { clsToken: false });
  },
  async load(resolved, options) {
    const { sizes, transform } = parse(configOf(resolved));
    const handle = await callAsync(options, (control) =>
      addon().loadSiglip(resolved.weights, sizes, control),
    );
    return { handle, transform };
  },
};

const trunkNameOf = (config: JsonReader): unknown =>
  config.optional("model_cfg")?.optional("vision_cfg")?.raw("timm_model_name");

function parse(config: ModelConfig): { sizes: NativeModelSizes; transform: Transform } {
  const root = JsonReader.parse(config.text, config.from);
  const vision = root.object("model_cfg").object("vision_cfg");
  if (!vision.has("timm_model_name")) {
    throw new SaevError(
      "INVALID_ARGUMENT",
      `${config.from}: the vision tower is open_clip's own, not a SigLIP of timm; use vit_family clip`,
    );
  }
  const [height, width] = vision.pair("image_size", 224);
  const trunk = trunkOf(vision.string("timm_model_name"), config.from);
  const head: NativeHead = { ...plainHead, pool: timmPool(root), heads: trunk.heads, gelu: trunk.gelu };
  return { sizes: { height, width, ...trunk, head }, transform: openClipTransform(root, height, width) };
}

/** By the name; for a name that timm does not have, from the file that describes it, where there is one. */
function trunkOf(name: string, from: string): TimmTrunk {
  const known = timmSiglip(name);
  if (known) return known;
  const beside = path.join(path.dirname(from), timmTrunkFile);
  if (/siglip/.test(name) && existsSync(beside)) return parseTimmTrunk(readFileSync(beside, "utf8"), beside);
  throw new SaevError(
    "UNSUPPORTED",
    `${from}: the siglip family does not know timm's ${name}; expected a name like vit_base_patch16_siglip_224, or ` +
      `${timmTrunkFile} beside the config with timm's arguments of a SigLIP ({"model_args": {"embed_dim": …}})`,
  );
}
