import { SaevError } from "../errors.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { ModelFamily } from "./family.js";
import { parseOpenClipConfig } from "./open-clip-config.js";

/** CLIP's vision transformers in the layout of open_clip. */
export const clip: ModelFamily = {
  name: "clip",
  async load({ folder, config, weights }, options) {
    if (!config) throw new SaevError("INTERNAL", `${folder}: resolved without a config`);
    const { model, transform } = parseOpenClipConfig(config.text, config.from);
    const handle = await callAsync(options, (control) => addon().loadClip(weights[0]!, model, control));
    return { handle, transform };
  },
};
