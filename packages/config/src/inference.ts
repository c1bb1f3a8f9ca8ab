import { dataLoadSpec } from "./data-load.js";
import { type ConfigOf, choice, config, int, spec, string } from "./fields.js";
import { schemaOf } from "./schema.js";

export const inferenceSpec = spec("Inference", "Writes the latents of a whole dataset.", {
  ckpt: string("model", "./checkpoints/sae.pt", "The trained SAE: its sae.pt file."),
  data: config("data", dataLoadSpec, "Activations to read."),
  n_workers: int("hardware", 16, "Threads that read activations.", { min: 0 }),
  sae_batch_size: int("hardware", 1024 * 16, "Activations per forward pass of the SAE.", { min: 1 }),
  device: string(
    "hardware",
    "cuda",
    "Device to run on; without a usable GPU the CPU is used, with a warning.",
  ),
  formats: choice(
    "output",
    ["all", "npz", "parquet"],
    "all",
    'How the latents are written: "npz" a scipy CSR matrix, "parquet" a table with one line per active latent, "all" both.',
  ),
  dump_to: string(
    "output",
    "",
    "Folder in which a folder named by the first 8 digits of the shards' hash is made; empty: inference/ in the run's folder.",
  ),
});

/** Config of `saev latents`. */
export type Inference = ConfigOf<typeof inferenceSpec>;
export const Inference = schemaOf(inferenceSpec);
