import { datasetSpecs } from "./dataset.js";
import {
  autoBool,
  autoInt,
  bool,
  type ConfigOf,
  choice,
  float,
  int,
  ints,
  ours,
  type Resolved,
  spec,
  string,
  union,
} from "./fields.js";
import { schemaOf } from "./schema.js";

/** Values of `vit_family`. */
export const vitFamilies = ["clip", "siglip", "dinov2", "dinov3", "vit", "eva", "pe"] as const;

export const activationsSpec = spec(
  "Activations",
  "Runs a vision transformer over a dataset and records its activations in shards.",
  {
    data: union("data", datasetSpecs, "Images to run the ViT on."),
    dump_to: string(
      "output",
      "./shards",
      "Folder in which the shard folder is made; it is named by the hash of its metadata.",
    ),
    vit_family: choice("model", vitFamilies, "clip", "Family of the ViT."),
    vit_ckpt: string("model", "ViT-L-14/openai", "Checkpoint of that family: a name, or a folder on disk."),
    vit_batch_size: int("model", 1024, "Images per forward pass of the ViT.", { min: 1 }),
    n_workers: int("hardware", 8, "Threads that decode images.", { min: 0 }),
    d_vit: autoInt("model", 1024, "Width of the ViT's activations; auto takes it from the model.", {
      min: 1,
    }),
    vit_layers: ints(
      "model",
      [-2],
      "Layers to record: a layer's activation is the output of that residual block; negative ones count from the end.",
    ),
    n_patches_per_img: autoInt(
      "model",
      256,
      "Patches per image, without CLS; auto takes them from the model.",
      { min: 1 },
    ),
    cls_token: autoBool(
      "model",
      true,
      "Whether the ViT has a CLS token, which is recorded before the patches; auto asks the model.",
    ),
    n_patches_per_shard: int(
      "output",
      2_400_000,
      "Activations per shard file; 2.4 million of 1024 float32 values are about 10 GB.",
      { min: 1 },
    ),
    protocol: ours(
      choice(
        "output",
        ["document", "2.1"],
        "document",
        "Layout of the shard folder: that of the Python package of June 2025, or its present one, protocol 2.1.",
      ),
    ),
    dtype: ours(
      choice(
        "output",
        ["float32", "float16", "bfloat16"],
        "float32",
        "How activations are stored. float16 and bfloat16 take half the disk and cost accuracy; saev reads them, the Python package refuses them.",
      ),
    ),
    seed: int("model", 42, "Seed; part of the shard folder's metadata."),
    ssl: bool("hardware", true, "Whether downloads verify the server's certificate."),
    device: string(
      "hardware",
      "cuda",
      "Device to run on; without a usable GPU the CPU is used, with a warning.",
    ),
    compute_dtype: ours(
      choice(
        "hardware",
        ["float32", "bfloat16"],
        "float32",
        "What the ViT's products multiply. bfloat16 is about twice as fast, costs accuracy, and needs a CPU with AVX512-BF16.",
      ),
    ),
    n_parts: ours(
      int(
        "hardware",
        1,
        "Parts in which the dataset is recorded, by as many processes or machines that share a file system; 1 records it in one go.",
        { min: 1 },
      ),
    ),
    part: ours(
      int(
        "hardware",
        0,
        "Which of these parts this process records, from 0. The last to finish seals the shard folder.",
        { min: 0 },
      ),
    ),
    n_hours: float("slurm", 24, "Length of the Slurm job in hours.", { above: 0 }),
    slurm_acct: string("slurm", "", "Slurm account; empty runs here."),
    slurm_partition: string("slurm", "", "Slurm partition."),
    log_to: string("slurm", "./logs", "Folder for what the Slurm job prints."),
  },
);

export type Activations = ConfigOf<typeof activationsSpec>;
/** An `Activations` whose sizes are numbers. */
export type ResolvedActivations = Resolved<Activations>;
export const Activations = schemaOf(activationsSpec);
