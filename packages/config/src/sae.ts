import {
  auto,
  autoInt,
  bool,
  type ConfigOf,
  choice,
  float,
  int,
  member,
  ours,
  type Resolved,
} from "./fields.js";
import { ConfigError } from "./issues.js";
import { schemaOf, unionSchemaOf } from "./schema.js";

const size = {
  d_vit: autoInt("model", 1024, "Width of the activations it is trained on; auto takes it from the shards.", {
    min: 1,
  }),
  exp_factor: int("model", 16, "Latents per activation dimension: d_sae = d_vit * exp_factor.", { min: 1 }),
  d_sae: ours(
    int("model", 0, "Number of latents, in place of exp_factor; 0 takes d_vit * exp_factor.", { min: 0 }),
  ),
};

const start = {
  n_reinit_samples: int(
    "training",
    1024 * 16 * 32,
    "Activations whose mean b_dec starts from; 0 starts it from zero.",
    { min: 0 },
  ),
  reinit_blend: ours(
    float(
      "training",
      0,
      "Share of a centred activation, drawn from those, in each row that W_dec starts with; 0: random rows only.",
      { min: 0, max: 1 },
    ),
  ),
};

const decoder = {
  remove_parallel_grads: bool(
    "training",
    true,
    "Whether to remove the part of W_dec's gradient along each latent's direction, which the unit norm would undo.",
  ),
  normalize_w_dec: bool("training", true, "Whether each latent's direction in W_dec is kept at unit norm."),
};

const seed = int("training", 0, "Seed of the initial weights.");
const tied = bool("training", true, "Whether W_enc starts as the transpose of W_dec.");

export const reluSpec = member("Relu", "relu", "An SAE whose latents are relu((x - b_dec) W_enc + b_enc).", {
  ...size,
  ...start,
  ...decoder,
  tied: ours(bool("training", false, "Whether W_enc starts as the transpose of W_dec.")),
  seed,
});

export const jumpReluSpec = member(
  "JumpRelu",
  "jump-relu",
  "An SAE whose latents are those of (x - b_dec) W_enc + b_enc that exceed a trained threshold of their own.",
  {
    ...size,
    threshold: float(
      "model",
      0.03,
      "Threshold that every latent starts from, in units of the scaled activations.",
      { above: 0 },
    ),
    bandwidth: float(
      "training",
      0.03,
      "Width of the window around its threshold in which a latent's values move it.",
      { above: 0 },
    ),
    sparsity: choice(
      "training",
      ["l0", "tanh-l0"],
      "l0",
      "What objective.sparsity_coeff weighs: the number of active latents, or the sum of tanh(tanh_scale * f).",
    ),
    tanh_scale: float("training", 4, "Scale of the latents inside tanh, for sparsity = tanh-l0.", {
      above: 0,
    }),
    ...start,
    ...decoder,
    tied,
    seed,
  },
);

export const gatedSpec = member(
  "Gated",
  "gated",
  "An SAE that decides which latents are active and how strong they are with two biases and a scale of their own.",
  { ...size, ...start, ...decoder, tied, seed },
);

/** What the kinds that select by rank share; without `momentum` it is all of TopK. */
const topKFields = {
  ...size,
  top_k: int("model", 32, "Latents that stay active per activation.", { min: 1 }),
  relu: bool(
    "model",
    true,
    "Whether values below 0 become 0 after the selection, as published; false keeps them, as the Python package does.",
  ),
  k_aux: int("training", 512, "Dead latents in the auxiliary loss (AuxK); 0 turns it off.", { min: 0 }),
  alpha: float("training", 1 / 32, "Weight of the auxiliary loss.", { min: 0 }),
  aux_form: choice(
    "training",
    ["published", "python-package"],
    "published",
    "The auxiliary loss with a ReLU and without b_dec, as published, or the other way round, as in the Python package.",
  ),
  dead_threshold_tokens: int(
    "training",
    10_000_000,
    "Activations without firing from which on a latent is dead.",
    { min: 1 },
  ),
  ...start,
  ...decoder,
  tied,
  seed,
};

export const topKSpec = member(
  "TopK",
  "top-k",
  "An SAE whose latents are the top_k largest of (x - b_dec) W_enc + b_enc.",
  topKFields,
);

export const batchTopKSpec = member(
  "BatchTopK",
  "batch-top-k",
  "An SAE that keeps the top_k largest per activation on average over the batch; outside training, those above a threshold.",
  {
    ...topKFields,
    momentum: float(
      "training",
      0.1,
      "Share of a batch's smallest positive latent in the running threshold.",
      { min: 0, max: 1 },
    ),
  },
);

/** The kinds of SAE, the default first. */
export const saeSpecs = [reluSpec, jumpReluSpec, topKSpec, batchTopKSpec, gatedSpec] as const;

export type Relu = ConfigOf<typeof reluSpec>;
export const Relu = schemaOf(reluSpec);

export type JumpRelu = ConfigOf<typeof jumpReluSpec>;
export const JumpRelu = schemaOf(jumpReluSpec);

export type TopK = ConfigOf<typeof topKSpec>;
export const TopK = schemaOf(topKSpec);

export type BatchTopK = ConfigOf<typeof batchTopKSpec>;
export const BatchTopK = schemaOf(batchTopKSpec);

export type Gated = ConfigOf<typeof gatedSpec>;
export const Gated = schemaOf(gatedSpec);

export type Sae = Relu | JumpRelu | TopK | BatchTopK | Gated;
export const Sae = unionSchemaOf(saeSpecs);

/**
 * Number of latents: `d_sae`, or `d_vit * exp_factor` where that is 0.
 * @throws ConfigError while `d_vit` is "auto" and `d_sae` 0; when `d_sae` and an `exp_factor` other than the default
 * disagree.
 */
export function dSae(sae: Sae | Resolved<Sae>): number {
  const { d_vit, exp_factor, d_sae } = sae;
  const fail = (path: string, expected: string, found: unknown, message: string) =>
    new ConfigError("INVALID_ARGUMENT", [{ path, expected, found: String(found), message }]);
  if (d_vit === auto) {
    if (d_sae > 0) return d_sae;
    throw fail(
      "sae.d_vit",
      "an integer",
      auto,
      'sae.d_vit: expected an integer, found "auto"; the shards\' metadata say it: resolve the config first',
    );
  }
  const product = d_vit * exp_factor;
  if (d_sae === 0) return product;
  if (exp_factor !== size.exp_factor.default && product !== d_sae) {
    throw fail(
      "sae.d_sae",
      String(product),
      d_sae,
      `sae.d_sae: found ${d_sae}, but d_vit * exp_factor = ${d_vit} * ${exp_factor} = ${product}; give one of the two`,
    );
  }
  return d_sae;
}
