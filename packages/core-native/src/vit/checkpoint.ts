import { stat } from "node:fs/promises";
import { SaevError } from "../errors.js";

/**
 * The folder that a `vit_ckpt` names.
 * @throws SaevError `UNSUPPORTED` for names of the hub and of pretrained tags, which this version does not download;
 * `NOT_FOUND` for a path that is not there or is no folder.
 */
export async function checkpointFolder(ckpt: string): Promise<string> {
  const kind = await stat(ckpt).then(
    (s) => (s.isDirectory() ? "folder" : "file"),
    () => "nothing",
  );
  if (kind === "folder") return ckpt;
  if (kind === "file") {
    throw new SaevError(
      "NOT_FOUND",
      `vit_ckpt "${ckpt}" is a file; give the folder that holds it and its config`,
    );
  }
  if (/^(\.{0,2}\/|~)/.test(ckpt))
    throw new SaevError("NOT_FOUND", `vit_ckpt "${ckpt}": there is no such folder`);
  throw new SaevError(
    "UNSUPPORTED",
    `vit_ckpt "${ckpt}" is no folder here, and this version downloads no models; fetch the model and give the path of ` +
      "a folder with open_clip_config.json and open_clip_model.safetensors",
  );
}
