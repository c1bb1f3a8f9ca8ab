import { auto, dSae, prefixCount, type ResolvedTrain, type Train } from "@saev/config";
import { SaevError } from "../errors.js";
import { ShardFolder } from "../shards/shard-folder.js";
import { modelFacts } from "../vit/model-facts.js";

/**
 * The config with the width of its activations for `sae.d_vit` where that is "auto".
 * @throws SaevError `SHAPE_MISMATCH` when it is given and another, naming the right one; `INVALID_ARGUMENT`
 * where `top_k` or `n_prefixes` are more than the SAE's latents, or `group_sizes` do not sum to them; as {@link ShardFolder.open}, or {@link modelFacts} with `data.live`.
 */
export async function resolveTrain(cfg: Train): Promise<ResolvedTrain> {
  const { sae, data } = cfg;
  const d_vit = data.live
    ? (await modelFacts(data.vit_family, data.vit_ckpt)).dVit
    : (await ShardFolder.open(data.shard_root)).metadata.d_vit;
  if (sae.d_vit !== auto && sae.d_vit !== d_vit) {
    throw new SaevError(
      "SHAPE_MISMATCH",
      `sae.d_vit: expected ${d_vit}, the width of the activations in ${data.live ? data.vit_ckpt : data.shard_root}, found ${sae.d_vit}; give ${d_vit}, ` +
        "or leave it out",
    );
  }
  const resolved = Object.freeze({ ...cfg, sae: Object.freeze({ ...sae, d_vit }) });
  requireLatents(resolved);
  return resolved;
}

/** That what is chosen among the latents is no more than there are. @throws SaevError `INVALID_ARGUMENT`. */
function requireLatents({ sae, objective }: ResolvedTrain): void {
  const n = dSae(sae); // d_sae and exp_factor agree
  const groups = objective.kind === "matryoshka" ? objective.group_sizes : [];
  for (const [name, value] of [
    ["sae.top_k", "top_k" in sae ? sae.top_k : 1],
    ["objective.n_prefixes", groups.length > 0 ? 1 : prefixCount(objective)],
  ] as const) {
    if (value > n)
      throw new SaevError(
        "INVALID_ARGUMENT",
        `${name}: expected from 1 to ${n}, the SAE's latents, found ${value}; give fewer, or a larger sae.d_sae or sae.exp_factor`,
      );
  }
  const sum = groups.reduce((total, size) => total + size, 0);
  if (groups.length > 0 && sum !== n)
    throw new SaevError(
      "INVALID_ARGUMENT",
      `objective.group_sizes: expected sizes that sum to ${n}, the SAE's latents, found ${sum} in ${groups.join(", ")}; ` +
        `change a group, or give sae.d_sae = ${sum}`,
    );
}
