import { TensorFile } from "../io/tensor-file.js";
import { families } from "./families.js";

/**
 * The text of a config for weights without one, by what tensors they hold: of this family, or of any.
 * @returns undefined when no family knows them.
 * @throws SaevError as {@link TensorFile.openWeights}.
 */
export async function configOfWeights(
  family: string | undefined,
  weights: readonly string[],
): Promise<string | undefined> {
  const able = families.filter((one) => one.configOfWeights && (family === undefined || family === one.name));
  if (able.length === 0) return undefined;
  using file = await TensorFile.openWeights(weights);
  const names = new Set(file.names());
  const shape = (name: string) => {
    if (!names.has(name)) return undefined;
    using tensor = file.get(name);
    return tensor.shape;
  };
  for (const one of able) {
    const text = one.configOfWeights?.([...names], shape);
    if (text !== undefined) return text;
  }
  return undefined;
}
