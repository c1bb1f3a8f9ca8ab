import { type ConfigOf, choice, float, int, ints, member, ours } from "./fields.js";
import { schemaOf, unionSchemaOf } from "./schema.js";

export const vanillaSpec = member(
  "Vanilla",
  "vanilla",
  "Mean squared error plus a penalty on active latents.",
  {
    sparsity_coeff: float("training", 4e-4, "Weight of the penalty: L1, or what sae.sparsity says.", {
      min: 0,
    }),
  },
);

export const matryoshkaSpec = member(
  "Matryoshka",
  "matryoshka",
  "Mean squared error averaged over nested prefixes of the latents.",
  {
    n_prefixes: int(
      "training",
      10,
      "Prefixes of random length drawn per batch; the last is always all latents.",
      { min: 1 },
    ),
    sparsity_coeff: float("training", 4e-4, "Weight of the penalty, as for vanilla; top-k SAEs have none.", {
      min: 0,
    }),
    prefix_draw: choice(
      "training",
      ["published", "python-package"],
      "published",
      "How lengths are drawn: as published, or mostly short ones, as the newer Python package does.",
    ),
    group_sizes: ours(
      ints(
        "training",
        [],
        "Latents of each group, first to last, that sum to the SAE's: prefixes end with a group, the same for every batch; empty: they are drawn.",
        { min: 1 },
      ),
    ),
  },
);

/** The objectives, the default first. */
export const objectiveSpecs = [vanillaSpec, matryoshkaSpec] as const;

export type Vanilla = ConfigOf<typeof vanillaSpec>;
export const Vanilla = schemaOf(vanillaSpec);

export type Matryoshka = ConfigOf<typeof matryoshkaSpec>;
export const Matryoshka = schemaOf(matryoshkaSpec);

export type Objective = Vanilla | Matryoshka;
export const Objective = unionSchemaOf(objectiveSpecs);

/** Prefixes of the latents whose reconstruction an objective looks at; 1: all latents alone. */
export function prefixCount(objective: Objective): number {
  if (objective.kind === "vanilla") return 1;
  return objective.group_sizes.length || objective.n_prefixes;
}
