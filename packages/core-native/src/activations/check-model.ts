import type { Activations } from "@saev/config";
import { SaevError } from "../errors.js";
import { resolveLayers } from "../vit/layers.js";
import type { ViT } from "../vit/vit.js";

/**
 * Compares what the command says of the model with the model itself, before any picture is read.
 * @returns the layers to record, from 0.
 * @throws SaevError `INVALID_ARGUMENT` with one line that names every wrong field and its right value.
 */
export function checkModel(cfg: Activations, vit: ViT): number[] {
  const wrong: string[] = [];
  const compare = (field: string, given: unknown, right: unknown) => {
    if (given !== right) wrong.push(`${field} is ${right}, not ${given}`);
  };
  compare("d_vit", cfg.d_vit, vit.dVit);
  compare("n_patches_per_img", cfg.n_patches_per_img, vit.nPatches);
  compare("cls_token", cfg.cls_token, vit.clsToken);
  let layers: number[] = [];
  try {
    layers = resolveLayers(cfg.vit_layers, vit.nLayers);
  } catch (error) {
    wrong.push((error as Error).message.replace(/^layers/, "vit_layers"));
  }
  if (wrong.length > 0) {
    throw new SaevError("INVALID_ARGUMENT", `the model in ${vit.folder} is another: ${wrong.join("; ")}`);
  }
  return layers;
}
