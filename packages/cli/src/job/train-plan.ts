import { dSae, splitCfgs, type Train } from "@saev/config";
import { CommandError } from "../errors.js";
import { amount, pairs, table } from "../text.js";
import type { Outcome } from "./job.js";

/** Which SAEs would be trained together, and on how much. */
export async function planTrain(cfgs: readonly Train[]): Promise<Outcome> {
  const { ShardFolder } = await import("@saev/core");
  for (const cfg of cfgs) {
    const folder = await ShardFolder.open(cfg.data.shard_root);
    folder.requireComplete();
    const { d_vit } = folder.metadata;
    if ("d_vit" in cfg.sae && cfg.sae.d_vit !== d_vit) {
      throw new CommandError(
        "INVALID_ARGUMENT",
        `sae.d_vit: expected ${d_vit}, the width of the activations in ${cfg.data.shard_root}, found ${cfg.sae.d_vit}; give --sae.d-vit ${d_vit}`,
      );
    }
  }
  const groups = splitCfgs(cfgs);
  const rows = groups.flatMap((group, g) =>
    group.map((cfg) => [
      String(g + 1),
      cfg.sae.kind,
      dSae(cfg.sae),
      cfg.lr,
      "sparsity_coeff" in cfg.objective ? cfg.objective.sparsity_coeff : Number.NaN,
      String(cfg.seed),
      cfg.n_patches,
    ]),
  );
  const [first] = cfgs;
  return {
    text: `${pairs([
      [
        "trains",
        `${amount(cfgs.length, "SAE")} in ${amount(groups.length, "group")}; a group shares its batches, groups run one after another`,
      ],
      ["shards", [...new Set(cfgs.map((cfg) => cfg.data.shard_root))].join(", ")],
      ["writes", `${first!.ckpt_path}/<run id>/ for each SAE`],
    ])}\n${table(["group", "sae", "d_sae", "lr", "sparsity", "seed", "activations"], rows)}`,
    json: { groups: groups.map((group) => group.map((cfg) => ({ d_sae: dSae(cfg.sae), config: cfg }))) },
    paths: [],
  };
}
