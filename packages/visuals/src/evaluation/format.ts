/** Four significant digits; "–" where there is no number. */
export function shown(x: number | null | undefined): string {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  if (Number.isInteger(x)) return x.toLocaleString("en-US");
  const size = Math.abs(x);
  if (size < 1e-4 || size >= 1e6) return x.toExponential(2);
  return String(Number(x.toPrecision(4)));
}

/** A share in percent. */
export const percent = (x: number | null | undefined): string =>
  x === null || x === undefined ? "–" : `${shown(100 * x)} %`;

/** What the figures are called, in the order in which they are read, and what they mean. */
export const figureTexts: readonly (readonly [name: string, label: string, meaning: string])[] = [
  ["l0", "L0", "active latents of an activation, mean"],
  ["l1", "L1", "sum of an activation's latents, mean"],
  ["mse", "MSE", "squared error of a dimension, mean"],
  ["normalized_mse", "Normalised MSE", "squared error over squared size, both summed over the data"],
  [
    "explained_variance",
    "Explained variance",
    "1 − squared error over squared distance from the mean, both summed over the data",
  ],
  ["cosine", "Cosine", "of activation and reconstruction, mean"],
  ["l2_ratio", "L2 ratio", "norm of the reconstruction over norm of the activation, mean"],
  ["relative_bias", "Relative bias", "below 1 where reconstructions are too short"],
  ["n_dead", "Dead", "latents that never fired"],
  ["n_almost_dead", "Almost dead", "latents that fired less often than the threshold, dead ones included"],
  ["n_dense", "Dense", "latents that fired more often than the threshold"],
  ["n_over_1_percent", "Density over 1 %", "latents that fired on more than 1 % of the activations"],
  ["n_over_10_percent", "Density over 10 %", "latents that fired on more than 10 % of the activations"],
];

export const dictionaryTexts: readonly (readonly [name: string, label: string, meaning: string])[] = [
  ["mean_max_encoder_cosine", "Nearest encoder direction", "largest cosine with another latent's, mean"],
  ["max_encoder_cosine", "Most alike encoder directions", "largest of these cosines"],
  ["mean_max_decoder_cosine", "Nearest decoder direction", "largest cosine with another latent's, mean"],
  ["max_decoder_cosine", "Most alike decoder directions", "largest of these cosines"],
  ["coherence", "Coherence", "largest |cosine| of two decoder directions"],
];
