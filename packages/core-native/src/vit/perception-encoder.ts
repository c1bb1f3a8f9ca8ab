import type { Transform } from "../images/transform.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativePerceptionEncoderConfig } from "../native/vision-model.js";
import { descriptionOf } from "./description.js";
import { configOf, type ModelConfig, type ModelFamily } from "./family.js";
import { evaHead } from "./head.js";
import { checkTimmArguments, readTimmModel, timmName, timmSizes } from "./timm-model.js";
import { squashTransform } from "./usual-transforms.js";

/** Arguments of timm's Eva that are read, and those that all of these models have alike. */
const read = ["class_token", "init_values", "ref_feat_shape", "rope_grid_offset"];
const alike = ["attn_type", "use_pre_transformer_norm", "use_rot_pos_emb", "rope_grid_indexing"];

/** Perception Encoder (PE Core, PE Spatial): timm's Eva, as open_clip's trunk or by itself. */
export const perceptionEncoder: ModelFamily = {
  name: "pe",
  usual: squashTransform,
  recognises: (config) => /^vit_pe_/.test(timmName(config)?.name ?? ""),
  describe(config) {
    const { model, transform } = parse(config);
    return descriptionOf(model, transform, { clsToken: model.clsToken });
  },
  async load(resolved, options) {
    const { model, transform } = parse(configOf(resolved));
    const handle = await callAsync(options, (control) =>
      addon().loadPerceptionEncoder(resolved.weights, model, control),
    );
    return { handle, transform };
  },
};

function parse(config: ModelConfig): { model: NativePerceptionEncoderConfig; transform: Transform } {
  const timm = readTimmModel(config);
  const { args } = timm;
  checkTimmArguments(timm, "pe", [...read, ...alike]);
  const [ropeSide] = args.pair("ref_feat_shape", Number.NaN);
  const sizes = timmSizes(timm);
  return {
    model: {
      ...sizes,
      head: evaHead(sizes),
      clsToken: args.boolean("class_token", true),
      layerScale: args.has("init_values"),
      ropeSide,
      ropeOffset: args.number("rope_grid_offset", 0),
    },
    transform: timm.transform,
  };
}
