import { type ResolvedTrain, validates } from "@saev/config";
import type { ModelFacts } from "../vit/model-facts.js";

const float = 4;
/** Tokens that go through the blocks together (kRowsPerPass of native/vit/vision_model.cc). */
const tokensPerPass = 2048;

/**
 * What one picture of a dataset's list takes, in bytes: of a folder of 100,000 files 380 in Node's heap, and 600 in all with what listing
 * them left behind.
 */
const listed = 600;

/**
 * What `data.live` takes beside the buffer, in bytes: the ViT, the list of pictures, and the pictures and activations that are on their
 * way through it.
 * @param facts of the ViT.
 * @param pictures of the dataset.
 */
export function liveMemory(cfg: ResolvedTrain, facts: ModelFacts, pictures: number): number {
  const { data, val_data, eval_every } = cfg;
  // What is evaluated on while training goes through the ViT while the next rows do.
  const feeds = eval_every > 0 && validates(cfg) && val_data.shard_root === "" ? 2 : 1;
  const layers = Math.max(1, data.vit_layers.length);
  return (
    weights(facts, data.compute_dtype) +
    listed * pictures +
    feeds * underway(facts, data.vit_batch_size, layers)
  );
}

/**
 * 12 d² of each block (queries, keys, values, projection, and an MLP of 4 d or with gates 8/3 d), in the precision of its products,
 * and the embedding of patches and positions.
 */
function weights(facts: ModelFacts, dtype: "float32" | "bfloat16"): number {
  const { dVit, nLayers, nPatches } = facts;
  const blocks = (dtype === "bfloat16" ? 2 : float) * 12 * dVit ** 2 * nLayers;
  return blocks + float * dVit * (pixels(facts) / nPatches + nPatches);
}

/** Two batches of pictures, the activations of one, and one pass through the blocks, whose rows are held 9 times (3 of them q, k, v; 4 the MLP's). */
function underway(facts: ModelFacts, batch: number, layers: number): number {
  const { dVit, nPatches } = facts;
  const pass = Math.max(1, Math.floor(tokensPerPass / nPatches));
  const tokens = Math.min(pass, batch) * nPatches;
  return float * (batch * (2 * pixels(facts) + layers * nPatches * dVit) + 9 * tokens * dVit);
}

/** Numbers of a picture as the ViT takes it. */
const pixels = ({ transform }: ModelFacts): number => 3 * transform.height * transform.width;
