import { dataLoadSpec } from "./data-load.js";
import { bool, type ConfigOf, config, float, int, ints, spec, string } from "./fields.js";
import { schemaOf } from "./schema.js";

export const evaluateSpec = spec(
  "Evaluate",
  "Measures an SAE: sparsity, reconstruction, its dictionary, its latents as classifiers, the model's output.",
  {
    ckpt: string("model", "./checkpoints/sae.pt", "The trained SAE: its sae.pt file."),
    data: config("data", dataLoadSpec, "Activations to read."),
    images: string(
      "data",
      "",
      "Where the images are, in place of the folder, file or pattern in the shards' metadata; empty: where they were.",
    ),
    prefixes: ints(
      "selection",
      [],
      "Numbers of latents, ascending, whose reconstruction from the first ones alone is measured too; empty: of a Matryoshka SAE d_sae / 2, / 4, … / 64, else none.",
      { min: 1 },
    ),
    dictionary: bool(
      "selection",
      true,
      "Whether to compare every latent's directions with every other's, which costs d_sae² · d_vit.",
    ),
    probes: bool(
      "selection",
      true,
      "Whether to look for the best latent of each label, where images or patches have labels.",
    ),
    n_images: int(
      "selection",
      256,
      "Images, spread evenly over the data, on which reconstructions are put back into the model; 0: none.",
      { min: 0 },
    ),
    text_embeddings: string(
      "model",
      "",
      "Zero-shot labels of a CLIP or SigLIP model: a text file (.txt) of class names, one a line, or a safetensors file of class embeddings [classes, width]; empty: none.",
    ),
    almost_dead_threshold: float("selection", 1e-7, "Frequency below which a latent counts as almost dead.", {
      min: 0,
    }),
    dense_threshold: float("selection", 1e-2, "Frequency above which a latent counts as dense.", { min: 0 }),
    n_workers: int("hardware", 16, "Threads that read activations.", { min: 0 }),
    sae_batch_size: int("hardware", 1024 * 16, "Activations per forward pass of the SAE.", { min: 1 }),
    vit_batch_size: int("hardware", 16, "Images per forward pass of the model.", { min: 1 }),
    device: string(
      "hardware",
      "cuda",
      "Device to run on; without a usable GPU the CPU is used, with a warning.",
    ),
    seed: int("selection", 42, "Seed of the sample of images or patches, where labels are of too many."),
    dump_to: string("output", "./evaluation", "Folder of the report: evaluation.json and report.html."),
  },
);

/** Config of `saev evaluate`. */
export type Evaluate = ConfigOf<typeof evaluateSpec>;
export const Evaluate = schemaOf(evaluateSpec);
