import type { Train } from "@saev/config";

/** Fields of a config that differ, by their paths: the value before and the value since. */
export type Changes = Readonly<Record<string, readonly [before: unknown, since: unknown]>>;

/** What a run that goes on was told to do otherwise than before. Where it lies is no such thing. */
export function changesOf(before: Train, since: Train): Changes {
  const a = leaves(before);
  const b = leaves(since);
  const out: Record<string, [unknown, unknown]> = {};
  for (const path of new Set([...a.keys(), ...b.keys()])) {
    if (path === "ckpt_path" || Object.is(a.get(path), b.get(path))) continue;
    if (JSON.stringify(a.get(path)) === JSON.stringify(b.get(path))) continue;
    out[path] = [a.get(path), b.get(path)];
  }
  return out;
}

const scaling =
  "the scaling of the activations is part of what the SAE has learned; --init-from starts a new run from these weights";
const start =
  "it only concerns the start of a run, and this one has begun; start a new run, or leave it as it was";
const order =
  "it gives the order of the activations, of which the run has seen a part; --init-from starts a new run from these weights";
const setAside =
  "it decides which images are set aside, and the run has begun with others; --init-from starts a new run from these weights";
const moments =
  "checkpoints hold its moments, of which muon has others than adam and adamw; --init-from starts a new run from these weights";
const size = "the run's weights have another size; start a new run";

/** Changes that cannot work, each with its reason. Everything else may change from one part of a run to the next. */
const refused: Readonly<Record<string, string>> = {
  "data.layer": "these are activations of another layer; --init-from starts a new run from these weights",
  "data.patches": "these are other activations; --init-from starts a new run from these weights",
  "data.live":
    "where a run is in its data is only known in the kind of data that it began with; --init-from starts a new run",
  "data.clamp": scaling,
  "data.n_random_samples": scaling,
  "data.scale_mean": scaling,
  "data.scale_norm": scaling,
  "sae.kind": "the run trains another kind; --init-from or a new run",
  "sae.d_vit": size,
  "sae.d_sae": size,
  "sae.exp_factor": size,
  "sae.seed": start,
  "sae.n_reinit_samples": start,
  "sae.reinit_blend": start,
  "sae.tied": start,
  init_from: start,
  buffer: order,
  seed: order,
  val_fraction: setAside,
  val_seed: setAside,
};

/** What is wrong with `changes`, a line each. */
export function refusedChanges(changes: Changes): string[] {
  // Of another kind, the fields of both are changes too, which say nothing more.
  const other = "sae.kind" in changes;
  return Object.entries(changes).flatMap(([path, [before, since]]) => {
    const reason = path === "optimizer" && (before === "muon" || since === "muon") ? moments : refused[path];
    if (reason === undefined || (other && path.startsWith("sae.") && path !== "sae.kind")) return [];
    return [`${path} was ${JSON.stringify(before)} and cannot become ${JSON.stringify(since)}: ${reason}`];
  });
}

/** Fields that say nothing about which SAE comes out: a run with others is the same run. */
const incidental = new Set([
  "checkpoint_every",
  "checkpoint_keep",
  "checkpoint_minutes",
  "device",
  "eval_every",
  "log_every",
  "log_to",
  "n_hours",
  "n_val",
  "n_workers",
  "screening",
  "slurm_acct",
  "slurm_partition",
  "track",
  "val_data.shard_root",
  "wandb_project",
]);

/** Whether two configs ask for the same SAE. */
export const sameRun = (a: Train, b: Train): boolean =>
  Object.keys(changesOf(a, b)).every((path) => incidental.has(path));

function leaves(value: object, prefix = "", into = new Map<string, unknown>()): Map<string, unknown> {
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === "object" && inner !== null && !Array.isArray(inner))
      leaves(inner, `${prefix}${key}.`, into);
    else into.set(`${prefix}${key}`, inner);
  }
  return into;
}
