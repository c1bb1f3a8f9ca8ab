/**
 * The monosemanticity score of a latent: the mean cosine of image embeddings over all pairs of images, each pair weighted by
 * the product of the latent's activations. With unit vectors u and weights a it is
 * (‖Σ aᵢuᵢ‖² − Σ aᵢ²) / ((Σ aᵢ)² − Σ aᵢ²), in time linear in the images (arXiv 2602.12403).
 * @param embeddings of any length; zeros have no direction and count as unlike all others.
 * @returns −1 to 1, or undefined for fewer than two images that weigh anything.
 */
export function monosemanticity(
  embeddings: readonly Float32Array[],
  activations: readonly number[],
): number | undefined {
  const sum = new Float64Array(embeddings[0]?.length ?? 0);
  let weights = 0;
  let squares = 0;
  /** Σ aᵢ²‖uᵢ‖²: an embedding of zeros stays zeros. */
  let own = 0;
  embeddings.forEach((embedding, i) => {
    const weight = Math.max(0, activations[i]!);
    const norm = Math.hypot(...embedding);
    weights += weight;
    squares += weight * weight;
    if (norm === 0) return;
    own += weight * weight;
    embedding.forEach((x, k) => {
      sum[k]! += (weight * x) / norm;
    });
  });
  const pairs = weights * weights - squares;
  if (!(pairs > 1e-12 * squares)) return undefined;
  return (sum.reduce((total, x) => total + x * x, 0) - own) / pairs;
}
