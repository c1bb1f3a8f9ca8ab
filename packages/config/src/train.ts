import { dataLoadSpec } from "./data-load.js";
import {
  bool,
  type ConfigOf,
  choice,
  config,
  float,
  int,
  type Resolved,
  spec,
  string,
  union,
} from "./fields.js";
import { objectiveSpecs } from "./objective.js";
import { saeSpecs } from "./sae.js";
import { schemaOf } from "./schema.js";

export const trainSpec = spec("Train", "Trains a sparse autoencoder on recorded activations.", {
  data: config("data", dataLoadSpec, "Activations to train on."),
  n_workers: int("hardware", 32, "Threads that read activations.", { min: 0 }),
  n_patches: int("training", 100_000_000, "Activations to train on in all.", { min: 1 }),
  sae: union("model", saeSpecs, "The SAE to train."),
  objective: union("training", objectiveSpecs, "The loss to minimise."),
  n_sparsity_warmup: int("training", 0, "Steps over which the sparsity coefficient rises from 0.", {
    min: 0,
  }),
  lr: float("training", 4e-4, "Learning rate.", { min: 0 }),
  n_lr_warmup: int("training", 500, "Steps over which the learning rate rises from 0.", { min: 0 }),
  sae_batch_size: int("training", 1024 * 16, "Activations per training step.", { min: 1 }),
  track: bool("tracking", true, "Whether to keep metrics while training."),
  wandb_project: string("tracking", "saev", "Name of the project, kept with the metrics."),
  tag: string("tracking", "", "A word of yours, kept with the metrics."),
  log_every: int("tracking", 25, "Steps between two entries of the metrics.", { min: 1 }),
  ckpt_path: string("output", "./checkpoints", "Folder in which each run's folder is made."),
  device: choice(
    "hardware",
    ["cuda", "cpu"],
    "cuda",
    "Device to train on; without a usable GPU the CPU is used, with a warning.",
  ),
  seed: int("training", 42, "Seed of the order of the activations."),
  slurm_acct: string("slurm", "", "Slurm account; empty runs here."),
  slurm_partition: string("slurm", "", "Slurm partition."),
  n_hours: float("slurm", 24, "Length of the Slurm job in hours.", { above: 0 }),
  log_to: string("slurm", "./logs", "Folder for what the Slurm job prints."),
});

export type Train = ConfigOf<typeof trainSpec>;
/** A `Train` whose SAE knows the width of its data. */
export type ResolvedTrain = Resolved<Train>;
export const Train = schemaOf(trainSpec);
