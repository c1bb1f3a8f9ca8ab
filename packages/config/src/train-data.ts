import { activationsSpec, vitFamilies } from "./activations.js";
import { dataLoadSpec } from "./data-load.js";
import { bool, type ConfigOf, choice, int, ints, ours, spec, string } from "./fields.js";
import { schemaOf } from "./schema.js";

const { vit_ckpt } = activationsSpec.fields;

export const trainDataSpec = spec(
  "TrainData",
  "Which activations to train on, and how to scale them: recorded ones, or those of a ViT that runs meanwhile.",
  {
    ...dataLoadSpec.fields,
    live: ours(
      bool(
        "data",
        false,
        "Whether to train straight from images: the ViT runs while the SAE is trained, and no shards are read or written.",
      ),
    ),
    vit_family: ours(choice("model", vitFamilies, "clip", "With live, family of the ViT.")),
    vit_ckpt: ours(
      string(
        "model",
        vit_ckpt.default as string,
        "With live, checkpoint of that family: a name, or a folder on disk.",
      ),
    ),
    vit_layers: ours(
      ints(
        "model",
        [],
        'With live, the layers that layer = "all" or "meanpool" is about, in this order; empty for the one that layer names.',
      ),
    ),
    vit_batch_size: ours(int("model", 64, "With live, images per forward pass of the ViT.", { min: 1 })),
    compute_dtype: ours(
      choice(
        "hardware",
        ["float32", "bfloat16"],
        "float32",
        "With live, what the ViT's products multiply; bfloat16 is about twice as fast and costs accuracy.",
      ),
    ),
  },
);

export type TrainData = ConfigOf<typeof trainDataSpec>;
export const TrainData = schemaOf(trainDataSpec);
