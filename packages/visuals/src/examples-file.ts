import path from "node:path";
import { type LatentStatistics, type LongCallOptions, writeSafetensors } from "@saev/core";

/** Images sampled for each latent of those in which it fires, and of all images. */
export const nExamples = 32;
export const nSampledImages = 2048;

/** Beside the Python package's tables: images that are not only the strongest. */
export const examplesFpath = (root: string) => path.join(root, "latent_examples.safetensors");

/** Writes the tensors of `LatentExamples` under their names. About 650 bytes a latent, and 8 a patch that fires in a sampled image. */
export async function writeExamples(
  root: string,
  stats: LatentStatistics,
  options: Pick<LongCallOptions, "signal">,
): Promise<void> {
  const examples = stats.examples();
  try {
    await writeSafetensors(examplesFpath(root), examples, options);
  } finally {
    for (const tensor of Object.values(examples)) tensor.dispose();
  }
}
