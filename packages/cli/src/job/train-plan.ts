import { dSae, type ResolvedTrain, type Train, validates } from "@saev/config";
import { amount, bytes, duration, figure, pairs, table } from "../text.js";
import { imagesOf } from "./activations-plan.js";
import type { Outcome, Request } from "./job.js";
import { memoryOf } from "./memory.js";
import { memoryText } from "./memory-text.js";
import { sparsityText } from "./sparsity-text.js";

/** Which SAEs would be trained together, on how much, in which memory, and for how long. */
export async function planTrain({ cfgs: given, options }: Request<Train>): Promise<Outcome> {
  const limit = memoryOf("train", options);
  const { estimateTime, planTraining, ShardFolder } = await import("@saev/core");
  for (const folder of new Set(given.filter(({ data }) => !data.live).map((cfg) => cfg.data.shard_root)))
    (await ShardFolder.open(folder)).requireComplete();
  const plan = await planTraining(given, limit === undefined ? {} : { memory: limit });
  const { cfgs, rounds, memory } = plan;
  const seconds = await estimateTime(plan);
  const rows = rounds.flatMap((round, r) =>
    round.saes.map((i) => {
      const cfg = cfgs[i]!;
      return [
        String(r + 1),
        cfg.sae.kind,
        dSae(cfg.sae),
        cfg.lr,
        sparsityText(cfg),
        String(cfg.seed),
        cfg.n_patches,
      ];
    }),
  );
  const all = seconds.reduce((a, b) => a + b, 0);
  const lines = rounds.map(
    (round, r) =>
      [
        rounds.length === 1 ? "memory" : `round ${r + 1}`,
        `${memoryText(round)}${rounds.length === 1 ? "" : `; about ${duration(seconds[r]!)}`}`,
      ] as const,
  );
  return {
    text: `${pairs([
      [
        "trains",
        `${amount(cfgs.length, "SAE")} in ${amount(rounds.length, "round")}; those of a round share one pass over the data, rounds follow one another`,
      ],
      ...(await sourcesOf(cfgs)),
      ...evaluationLines(cfgs),
      ["writes", `${cfgs[0]!.ckpt_path}/<run id>/ for each SAE`],
      ...lines,
      ["may take", `${bytes(memory)} of memory${limit === undefined ? "; --memory sets another limit" : ""}`],
      [
        "time",
        `about ${duration(all)}, from a few steps measured here with 1 % of the latents active; evaluation comes on top`,
      ],
    ])}\n${table(["round", "sae", "d_sae", "lr", "sparsity", "seed", "activations"], rows)}`,
    json: {
      memory_limit: memory,
      rounds: rounds.map((round, r) => ({
        saes: round.saes.map((i) => ({ d_sae: dSae(cfgs[i]!.sae), config: cfgs[i] })),
        steps: round.steps,
        memory: round.memory,
        seconds: seconds[r],
      })),
    },
    paths: [],
  };
}

/** What is evaluated on besides, and when. */
function evaluationLines(cfgs: readonly ResolvedTrain[]): (readonly [string, string])[] {
  const lines = cfgs.filter(validates).map(({ val_data, val_fraction, val_seed, eval_every, n_val }) => {
    const on =
      val_fraction > 0
        ? `${figure(100 * val_fraction)} % of the images, which are set aside (val_seed ${val_seed})`
        : val_data.shard_root;
    const often =
      eval_every > 0
        ? `at most ${amount(n_val, "activation")} of them every ${amount(eval_every, "step")}, all`
        : "all of them";
    return `${on}: ${often} at the end`;
  });
  return [...new Set(lines)].map((line) => ["evaluates on", line]);
}

/** Where the activations come from. */
async function sourcesOf(cfgs: readonly ResolvedTrain[]): Promise<(readonly [string, string])[]> {
  const shards = new Set(cfgs.filter(({ data }) => !data.live).map(({ data }) => data.shard_root));
  const live = new Map(
    cfgs
      .filter(({ data }) => data.live)
      .map((cfg) => [JSON.stringify([cfg.data, cfg.images, cfg.buffer]), cfg]),
  );
  const lines: (readonly [string, string])[] = shards.size > 0 ? [["shards", [...shards].join(", ")]] : [];
  for (const cfg of live.values()) {
    const { data, images, buffer } = cfg;
    const { where } = await imagesOf(images, "document", "images");
    lines.push(["live", `${where}, through ${data.vit_family} ${data.vit_ckpt}`]);
    lines.push([
      "buffer",
      buffer === 0 ? "1 GB" : `${amount(buffer, "row")}, ${bytes(buffer * cfg.sae.d_vit * 4)}`,
    ]);
  }
  return lines;
}
