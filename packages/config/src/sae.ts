import { auto, autoInt, bool, type ConfigOf, choice, float, int, member, type Resolved } from "./fields.js";
import { ConfigError } from "./issues.js";
import { schemaOf, unionSchemaOf } from "./schema.js";

export const reluSpec = member("Relu", "relu", "An SAE whose latents are relu((x - b_dec) W_enc + b_enc).", {
  d_vit: autoInt("model", 1024, "Width of the activations it is trained on; auto takes it from the shards.", {
    min: 1,
  }),
  exp_factor: int("model", 16, "Latents per activation dimension: d_sae = d_vit * exp_factor.", { min: 1 }),
  n_reinit_samples: int(
    "training",
    1024 * 16 * 32,
    "Activations whose mean b_dec starts from; 0 starts it from zero.",
    { min: 0 },
  ),
  remove_parallel_grads: bool(
    "training",
    true,
    "Whether to remove the part of W_dec's gradient along each latent's direction, which the unit norm would undo.",
  ),
  normalize_w_dec: bool("training", true, "Whether each latent's direction in W_dec is kept at unit norm."),
  seed: int("training", 0, "Seed of the initial weights."),
});

export const jumpReluSpec = member(
  "JumpRelu",
  "jump-relu",
  "An SAE with a threshold per latent; announced, not yet trainable.",
  {},
);

const { d_vit, exp_factor, n_reinit_samples, remove_parallel_grads, normalize_w_dec, seed } = reluSpec.fields;

/** What the kinds that select by rank share; without `momentum` it is all of TopK. */
const topKFields = {
  d_vit,
  exp_factor,
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
  n_reinit_samples,
  remove_parallel_grads,
  normalize_w_dec,
  tied: bool("training", true, "Whether W_enc starts as the transpose of W_dec."),
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
export const saeSpecs = [reluSpec, jumpReluSpec, topKSpec, batchTopKSpec] as const;

export type Relu = ConfigOf<typeof reluSpec>;
export const Relu = schemaOf(reluSpec);

export type JumpRelu = ConfigOf<typeof jumpReluSpec>;
export const JumpRelu = schemaOf(jumpReluSpec);

export type TopK = ConfigOf<typeof topKSpec>;
export const TopK = schemaOf(topKSpec);

export type BatchTopK = ConfigOf<typeof batchTopKSpec>;
export const BatchTopK = schemaOf(batchTopKSpec);

export type Sae = Relu | JumpRelu | TopK | BatchTopK;
export const Sae = unionSchemaOf(saeSpecs);

/**
 * Number of latents, `d_vit * exp_factor`.
 * @throws ConfigError for a JumpRelu, which has no size in this version, and while `d_vit` is "auto".
 */
export function dSae(sae: Sae | Resolved<Sae>): number {
  if (sae.kind !== "jump-relu") {
    if (sae.d_vit !== auto) return sae.d_vit * sae.exp_factor;
    const message =
      'sae.d_vit: expected an integer, found "auto"; the shards\' metadata say it: resolve the config first';
    throw new ConfigError("INVALID_ARGUMENT", [
      { path: "sae.d_vit", expected: "an integer", found: auto, message },
    ]);
  }
  throw new ConfigError("UNSUPPORTED", [
    {
      path: "sae",
      expected: "relu",
      found: sae.kind,
      message: `sae: ${sae.kind} has no number of latents in this version; use sae:relu`,
    },
  ]);
}
