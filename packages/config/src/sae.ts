import { bool, type ConfigOf, int, member } from "./fields.js";
import { ConfigError } from "./issues.js";
import { schemaOf, unionSchemaOf } from "./schema.js";

export const reluSpec = member("Relu", "relu", "An SAE whose latents are relu((x - b_dec) W_enc + b_enc).", {
  d_vit: int("model", 1024, "Width of the activations it is trained on.", { min: 1 }),
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

/** The kinds of SAE, the default first. */
export const saeSpecs = [reluSpec, jumpReluSpec] as const;

export type Relu = ConfigOf<typeof reluSpec>;
export const Relu = schemaOf(reluSpec);

export type JumpRelu = ConfigOf<typeof jumpReluSpec>;
export const JumpRelu = schemaOf(jumpReluSpec);

export type Sae = Relu | JumpRelu;
export const Sae = unionSchemaOf(saeSpecs);

/**
 * Number of latents, `d_vit * exp_factor`.
 * @throws ConfigError for a JumpRelu, which has no size in this version.
 */
export function dSae(sae: Sae): number {
  if (sae.kind === "relu") return sae.d_vit * sae.exp_factor;
  throw new ConfigError("UNSUPPORTED", [
    {
      path: "sae",
      expected: "relu",
      found: sae.kind,
      message: `sae: ${sae.kind} has no number of latents in this version; use sae:relu`,
    },
  ]);
}
