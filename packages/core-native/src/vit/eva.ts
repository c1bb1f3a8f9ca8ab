import { SaevError } from "../errors.js";
import type { Transform } from "../images/transform.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { NativeEvaConfig } from "../native/vision-model.js";
import { descriptionOf } from "./description.js";
import { configOf, type ModelConfig, type ModelFamily } from "./family.js";
import { evaHead } from "./head.js";
import { checkTimmArguments, readTimmModel, timmName, timmSizes } from "./timm-model.js";
import { clipTransform } from "./usual-transforms.js";

/** Arguments of timm's Eva that are read. */
const read = [
  ...["qkv_fused", "swiglu_mlp", "scale_mlp", "scale_attn_inner", "use_post_norm"],
  ...["use_rot_pos_emb", "ref_feat_shape"],
];

/** EVA and EVA-02: timm's Eva, as open_clip's trunk or by itself. */
export const eva: ModelFamily = {
  name: "eva",
  usual: clipTransform,
  recognises: (config) => /^eva/.test(timmName(config)?.name ?? ""),
  describe(config) {
    const { model, transform } = parse(config);
    return descriptionOf(model, transform, { clsToken: true, ...(model.swiglu && { mlp: "SwiGLU" }) });
  },
  async load(resolved, options) {
    const { model, transform } = parse(configOf(resolved));
    const handle = await callAsync(options, (control) => addon().loadEva(resolved.weights, model, control));
    return { handle, transform };
  },
};

function parse(config: ModelConfig): { model: NativeEvaConfig; transform: Transform } {
  const timm = readTimmModel(config);
  const { args } = timm;
  checkTimmArguments(timm, "eva", read);
  const swiglu = args.boolean("swiglu_mlp", false);
  const innerNorms = args.boolean("scale_attn_inner", false);
  // timm's own EVA-02 without the norm inside attention has one inside the MLP only, or a packed SwiGLU.
  if (swiglu !== innerNorms || innerNorms !== args.boolean("scale_mlp", false)) {
    throw new SaevError(
      "UNSUPPORTED",
      `${args.what}: the eva family runs the towers of EVA-CLIPs, which norm inside both attention and SwiGLU, or neither`,
    );
  }
  const [ropeSide] = args.boolean("use_rot_pos_emb", false) ? args.pair("ref_feat_shape", Number.NaN) : [0];
  const sizes = timmSizes(timm);
  return {
    model: {
      ...sizes,
      head: evaHead(sizes),
      splitQkv: !args.boolean("qkv_fused", true),
      ...{ swiglu, innerNorms, ropeSide },
      postNorm: args.boolean("use_post_norm", false),
    },
    transform: timm.transform,
  };
}
