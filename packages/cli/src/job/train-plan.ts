import { dSae, type ResolvedTrain, splitCfgs, type Train } from "@saev/config";
import { amount, pairs, table } from "../text.js";
import type { Outcome } from "./job.js";
import { sparsityText } from "./sparsity-text.js";

/** Which SAEs would be trained together, and on how much. */
export async function planTrain(given: readonly Train[]): Promise<Outcome> {
  const { ShardFolder, resolveTrain } = await import("@saev/core");
  const cfgs: ResolvedTrain[] = [];
  for (const cfg of given) {
    const folder = await ShardFolder.open(cfg.data.shard_root);
    folder.requireComplete();
    cfgs.push(await resolveTrain(cfg));
  }
  const groups = splitCfgs(cfgs);
  const rows = groups.flatMap((group, g) =>
    group.map((cfg) => [
      String(g + 1),
      cfg.sae.kind,
      dSae(cfg.sae),
      cfg.lr,
      sparsityText(cfg),
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
