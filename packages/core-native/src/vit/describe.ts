import { recognise } from "./families.js";
import type { ModelConfig, ModelDescription } from "./family.js";
import { JsonReader } from "./json-reader.js";

/**
 * What a model's config says of it, weights aside; the family is found by the config's form.
 * @returns undefined when no family knows the form.
 * @throws SaevError `BAD_FILE` and `UNSUPPORTED` as loading the model would.
 */
export function describeModel(
  config: ModelConfig,
): (ModelDescription & { readonly family: string }) | undefined {
  const root = JsonReader.parse(config.text, config.from);
  const family = recognise(root);
  return family && { family: family.name, ...family.describe(config) };
}
