import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { SaevError } from "../errors.js";
import { callAsync } from "../native/call.js";
import { addon } from "../native/load.js";
import type { ModelFamily } from "./family.js";
import { parseOpenClipConfig } from "./open-clip-config.js";

const configName = "open_clip_config.json";
const weightNames = ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"] as const;

/** CLIP's vision transformers in the layout of open_clip. */
export const clip: ModelFamily = {
  name: "clip",
  async load(folder, options) {
    const configPath = path.join(folder, configName);
    const text = await readFile(configPath, "utf8").catch((error) => {
      throw new SaevError(
        "NOT_FOUND",
        `${folder}: expected ${configName}, as open_clip saves it; cannot read it (${error.code})`,
      );
    });
    const { model, transform } = parseOpenClipConfig(text, configPath);
    const weights = await weightsIn(folder);
    const handle = await callAsync(options, (control) => addon().loadClip(weights, model, control));
    return { handle, transform };
  },
};

async function weightsIn(folder: string): Promise<string> {
  for (const name of weightNames) {
    const file = path.join(folder, name);
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  throw new SaevError("NOT_FOUND", `${folder}: expected ${weightNames.join(" or ")}, found neither`);
}
