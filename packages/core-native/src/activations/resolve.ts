import type { Activations, ResolvedActivations } from "@saev/config";
import { type ModelFacts, modelFacts } from "../vit/model-facts.js";
import { fitToModel } from "./check-model.js";
import type { RecordOptions } from "./record.js";

/**
 * The config with the model's own values for `d_vit`, `n_patches_per_img` and `cls_token` where they are "auto". Reads the
 * model's config, which is downloaded where it is not here; its weights are not.
 * @throws SaevError `INVALID_ARGUMENT` when one of them, or a layer, is given and not the model's, naming the right ones;
 * as {@link modelFacts} for a model that cannot be found or read.
 */
export async function resolveActivations(
  cfg: Activations,
  options: Pick<RecordOptions, "signal" | "onDownload" | "ckptDir" | "warn"> = {},
): Promise<ResolvedActivations> {
  const facts: ModelFacts = await modelFacts(cfg.vit_family, options.ckptDir ?? cfg.vit_ckpt, {
    signal: options.signal,
    ssl: cfg.ssl,
    onNote: options.warn,
    onProgress: options.onDownload,
  });
  return fitToModel(cfg, facts).cfg;
}
