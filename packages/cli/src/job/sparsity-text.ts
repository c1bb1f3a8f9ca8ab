import type { Train } from "@saev/config";

/** What makes an SAE sparse, for a table's cell: the penalty's weight, or the number of latents kept. */
export const sparsityText = ({ sae, objective }: Pick<Train, "sae" | "objective">): number | string =>
  "top_k" in sae ? `top ${sae.top_k}` : objective.sparsity_coeff;
