import { datasetSpecs } from "./dataset.js";
import {
  bool,
  type ConfigOf,
  choice,
  config,
  float,
  int,
  ours,
  type Resolved,
  spec,
  string,
  union,
} from "./fields.js";
import { objectiveSpecs } from "./objective.js";
import { saeSpecs } from "./sae.js";
import { schemaOf } from "./schema.js";
import { trainDataSpec } from "./train-data.js";
import { valDataSpec } from "./val-data.js";

export const trainSpec = spec("Train", "Trains a sparse autoencoder on recorded activations.", {
  data: config("data", trainDataSpec, "Activations to train on."),
  images: ours(union("data", datasetSpecs, "With data.live, the images that the ViT sees.")),
  val_data: ours(config("data", valDataSpec, "Activations to evaluate on, in place of a part of data.")),
  val_fraction: ours(
    float(
      "data",
      0,
      "Share of the images that is set aside: not trained on, but evaluated on while training and at the end; 0: none.",
      { min: 0, max: 0.5 },
    ),
  ),
  val_seed: ours(
    int(
      "data",
      42,
      "Seed of which images are set aside, and of which of them are evaluated on while training.",
      { min: 0 },
    ),
  ),
  n_val: ours(
    int(
      "tracking",
      2 ** 16,
      "Activations of an evaluation while training, at most, of whole images; the one at the end is of all that were set aside.",
      { min: 1 },
    ),
  ),
  eval_every: ours(
    int("tracking", 1000, "Steps between two evaluations on what was set aside; 0: at the end only.", {
      min: 0,
    }),
  ),
  n_workers: int("hardware", 32, "Threads that read activations.", { min: 0 }),
  buffer: ours(
    int(
      "hardware",
      0,
      "Rows of a shuffle buffer, for activations that do not fit in memory: they are read in sequence and shuffled in it; 0 reads every row where it lies. With data.live 0 is 1 GB of them.",
      { min: 0 },
    ),
  ),
  n_patches: int("training", 100_000_000, "Activations to train on in all.", { min: 1 }),
  sae: union("model", saeSpecs, "The SAE to train."),
  objective: union("training", objectiveSpecs, "The loss to minimise."),
  n_sparsity_warmup: int("training", 0, "Steps over which the sparsity coefficient rises from 0.", {
    min: 0,
  }),
  lr: float("training", 4e-4, "Learning rate.", { min: 0 }),
  n_lr_warmup: int("training", 500, "Steps over which the learning rate rises from 0.", { min: 0 }),
  lr_schedule: ours(
    choice(
      "training",
      ["constant", "linear", "cosine"],
      "constant",
      "What the learning rate does after its rise: stay, or fall to 0 at the last step in a line or half a cosine.",
    ),
  ),
  optimizer: ours(
    choice(
      "training",
      ["adam", "adamw", "muon"],
      "adam",
      "Adam; Adam with weight decay; or Muon for W_enc and W_dec, scaled so that Adam's learning rates suit it, and Adam for the rest.",
    ),
  ),
  weight_decay: ours(
    float("training", 0.01, "Share of W_enc and W_dec that adamw and muon take away per step, times lr.", {
      min: 0,
    }),
  ),
  grad_clip: ours(
    float(
      "training",
      0,
      "Largest norm of all gradients together; larger ones are scaled down. 0: no limit.",
      {
        min: 0,
      },
    ),
  ),
  sae_batch_size: int("training", 1024 * 16, "Activations per training step.", { min: 1 }),
  track: bool("tracking", true, "Whether to keep metrics while training."),
  wandb_project: string("tracking", "saev", "Name of the project, kept with the metrics."),
  tag: string("tracking", "", "A word of yours, kept with the metrics."),
  log_every: int("tracking", 25, "Steps between two entries of the metrics.", { min: 1 }),
  init_from: ours(
    string(
      "model",
      "",
      "Checkpoint (sae.pt, a run's folder or one of its states) to start from; empty starts from random weights.",
    ),
  ),
  checkpoint_minutes: ours(
    float(
      "output",
      10,
      "Minutes between two checkpoints to go on from, more where writing them would take over 1 % of the time; 0: none by time.",
      { min: 0 },
    ),
  ),
  checkpoint_every: ours(int("output", 0, "Steps between two checkpoints; 0: none by steps.", { min: 0 })),
  checkpoint_keep: ours(
    int(
      "output",
      2,
      "Checkpoints kept of each run; 0 writes none, so that a run that is stopped starts anew.",
      {
        min: 0,
      },
    ),
  ),
  ckpt_path: string("output", "./checkpoints", "Folder in which each run's folder is made."),
  device: choice(
    "hardware",
    ["cuda", "cpu"],
    "cuda",
    "Device to train on; without a usable GPU the CPU is used, with a warning.",
  ),
  screening: ours(
    choice(
      "hardware",
      ["auto", "off"],
      "auto",
      "Whether products of 8-bit numbers may say which latents cannot be active, so that fewer are computed in float32: faster where few are, and the same bits.",
    ),
  ),
  encoder_precision: ours(
    choice(
      "hardware",
      ["float32", "bfloat16"],
      "float32",
      "What the encoder's products multiply. bfloat16 needs a CPU with AVX512-BF16 or AMX and costs accuracy; where few latents are active, float32 with screening is about as fast.",
    ),
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
