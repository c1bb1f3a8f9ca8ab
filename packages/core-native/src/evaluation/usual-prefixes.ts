/** Lengths of which the first latents of a Matryoshka SAE are measured alone: d_sae / 64, / 32, … / 2. */
export function usualPrefixes(dSae: number): readonly number[] {
  const lengths = [64, 32, 16, 8, 4, 2].map((share) => Math.floor(dSae / share));
  return [...new Set(lengths)].filter((m) => m >= 1 && m < dSae);
}
