import type { Train } from "./train.js";

/** Fields that SAEs trained together must agree in with the Python package; "data" is all of it. */
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

/**
 * Fields that our trainer's SAEs must agree in to share a pass: which activations, how many of them and how many at a time, and when
 * checkpoints are written, what they start from, whose scaling they go on with, and what is evaluated on, as these belong to a place in the data. Sizes, kinds, objectives and all the rest may differ.
 */
export const sharedByPass = [
  "buffer",
  "checkpoint_every",
  "checkpoint_keep",
  "checkpoint_minutes",
  "data",
  "device",
  "eval_every",
  "images",
  "init_from",
  "n_patches",
  "n_val",
  "sae_batch_size",
  "val_data",
  "val_fraction",
  "val_seed",
] as const;

/**
 * Splits configs as the Python package does, in order of first appearance; inside a group the order stays. A kind of SAE that has
 * no sizes is in a group with its like. Our trainer shares more: {@link splitPasses}.
 */
export const splitCfgs = <T extends Train>(cfgs: readonly T[]): T[][] => groupBy(cfgs, cannotParallelize);

/** Splits configs into groups that are trained on one pass over the data, in order of first appearance; see {@link sharedByPass}. */
export const splitPasses = <T extends Train>(cfgs: readonly T[]): T[][] => groupBy(cfgs, sharedByPass);

function groupBy<T extends Train>(cfgs: readonly T[], fields: readonly string[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const cfg of cfgs) {
    const key = JSON.stringify(fields.map((path) => canonical(at(cfg, path))));
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
