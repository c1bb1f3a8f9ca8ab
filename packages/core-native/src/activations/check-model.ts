import { type Activations, auto, type ResolvedActivations } from "@saev/config";
import { SaevError } from "../errors.js";
import { resolveLayers } from "../vit/layers.js";
import type { ModelFacts } from "../vit/model-facts.js";

/** A config that fits its model. */
export interface FittingConfig {
  /** The config, with the model's numbers for what was "auto". */
  readonly cfg: ResolvedActivations;
  /** The layers to record, from 0. */
  readonly layers: readonly number[];
}

/**
 * Compares what the command says of the model with the model itself, and fills in what it leaves to the model.
 * @throws SaevError `INVALID_ARGUMENT` with one line that names every wrong field and its right value.
 */
export function fitToModel(cfg: Activations, model: ModelFacts): FittingConfig {
  const wrong: string[] = [];
  const fit = <T>(field: string, given: T | typeof auto, right: T): T => {
    if (given !== auto && given !== right) wrong.push(`${field} is ${right}, not ${given}`);
    return right;
  };
  const sizes = {
    d_vit: fit("d_vit", cfg.d_vit, model.dVit),
    n_patches_per_img: fit("n_patches_per_img", cfg.n_patches_per_img, model.nPatches),
    cls_token: fit("cls_token", cfg.cls_token, model.clsToken),
  };
  const sized = wrong.length > 0;
  let layers: number[] = [];
  try {
    layers = resolveLayers(cfg.vit_layers, model.nLayers);
  } catch (error) {
    wrong.push((error as Error).message.replace(/^layers/, "vit_layers"));
  }
  if (wrong.length > 0) {
    const hint = sized ? "; sizes that are left out, or auto, are the model's" : "";
    throw new SaevError(
      "INVALID_ARGUMENT",
      `the model in ${model.folder} is another: ${wrong.join("; ")}${hint}`,
    );
  }
  return { cfg: Object.freeze({ ...cfg, ...sizes }), layers };
}
