import type { Train } from "./train.js";

/**
 * Fields that SAEs trained on one pass over the data must agree in, as in the Python package; "data" is all of it. Everything else (learning
 * rate, objective, warm-ups, seeds, number of reinit samples, normalisation) may differ within a group.
 */
export const cannotParallelize = [
  "ckpt_path",
  "data",
  "device",
  "log_every",
  "log_to",
  "n_hours",
  "n_patches",
  "n_workers",
  "sae.d_vit",
  "sae.exp_factor",
  "sae_batch_size",
  "slurm_acct",
  "slurm_partition",
  "tag",
  "track",
  "wandb_project",
] as const;

/** Fields that the Python package does not have and that one pass must agree in too. */
const ownFields = ["buffer", "checkpoint_every", "checkpoint_keep", "checkpoint_minutes"] as const;

/**
 * Splits configs into groups that can be trained together, in order of first appearance; inside a group the order
 * stays. A kind of SAE that has no sizes is in a group with its like.
 */
export function splitCfgs<T extends Train>(cfgs: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const cfg of cfgs) {
    const key = JSON.stringify([...cannotParallelize, ...ownFields].map((path) => canonical(at(cfg, path))));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [cfg]);
    else group.push(cfg);
  }
  return [...groups.values()];
}

const at = (cfg: object, path: string): unknown =>
  path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], cfg);

/** Sorted keys, and infinities as words, since JSON has none. */
function canonical(value: unknown): unknown {
  if (typeof value === "number") return String(value);
  if (typeof value !== "object" || value === null) return value === undefined ? null : [value];
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)]);
}
