import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import { descriptionOf } from "./description.js";
import { configOf, type ModelFamily } from "./family.js";
import { parseOpenClipConfig } from "./open-clip-config.js";
import { clipTransform } from "./usual-transforms.js";

/** CLIP's vision transformers in the layout of open_clip. */
export const clip: ModelFamily = {
  name: "clip",
  usual: clipTransform,
  recognises: (config) => config.has("model_cfg"),
  describe({ text, from }) {
    const { model, transform } = parseOpenClipConfig(text, from);
    return descriptionOf(model, transform, { clsToken: true });
  },
  async load(resolved, options) {
    const { text, from } = configOf(resolved);
    const { model, transform } = parseOpenClipConfig(text, from);
    const handle = await callAsync(options, (control) => addon().loadClip(resolved.weights, model, control));
    return { handle, transform };
  },
};
