import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import type { Handle } from "../../packages/core-native/src/native/addon.js";
import { addon } from "../../packages/core-native/src/native/load.js";
import { toNativeTraining } from "../../packages/core-native/src/training/sae-training.js";

/** Makes one small object of a native class. `folder` is an empty folder for classes that need files. */
type Make = (folder: string) => Handle<string> | Promise<Handle<string>>;

const floats = (shape: readonly number[], value = 1) => {
  const n = shape.reduce((a, b) => a * b, 1);
  return addon().tensorFrom(new Uint8Array(new Float32Array(n).fill(value).buffer), shape, "float32");
};

const params = () => ({ wEnc: floats([2, 3]), bEnc: floats([3]), wDec: floats([3, 2]), bDec: floats([2]) });

const liveOptions: Parameters<ReturnType<typeof addon>["liveSource"]>[0] = {
  images: [0],
  nImgs: 1,
  nLayers: 1,
  nTokens: 2,
  dVit: 2,
  clsToken: true,
  patches: "patches",
  layers: "one",
  layer: 0,
  clamp: 1,
  scalar: 1,
  order: "shuffled",
  seed: 0,
  imagesPerBlock: 0,
  threads: 1,
};

/**
 * Every native class by the name of its handle: the tests of misuse attack these objects, the test of leaks makes
 * thousands of each. A test fails when a class that the addon's declarations name is missing here.
 */
export const objects: Readonly<Record<string, Make>> = {
  AbortFlag: () => addon().abortFlag(),
  Tensor: () => floats([2, 3]),
  TopKAccumulator: () =>
    addon().topKCreate({
      sortBy: "patch",
      dSae: 3,
      topK: 2,
      patches: 2,
      nDistributions: 1,
      maxDistributionBytes: 1e6,
      maxExactValues: 1e4,
      seed: 0,
      nExamples: 2,
      nSampledImages: 8,
    }),
  BatchSource: () => addon().memorySource(floats([4, 3]), [0, 1, 2, 3]),
  LiveFeed: () => {
    // Closed: on an open one, calls wait for the other side.
    const { source, feed } = addon().liveSource(liveOptions);
    addon().dispose(source);
    addon().liveFeedClose(feed);
    return feed;
  },
  TensorFile: async (folder) => {
    const file = path.join(folder, "one.safetensors");
    if (!existsSync(file)) {
      const options = { format: "safetensors", names: ["a"], tensors: [floats([2, 3])] } as const;
      await addon().writeTensorFile(file, options, {});
    }
    return addon().openTensorFile(file, 0, {});
  },
  ShardWriter: async (folder) => {
    // A folder has one writer at a time: the first that is free.
    for (let i = 0; ; i++) {
      try {
        return await addon().openShardWriter(
          path.join(folder, `shards-${i}`),
          "{}",
          { nImgs: 4, nLayers: 1, nTokens: 2, dVit: 2, nImgsPerShard: 3, dtype: "float32" },
          "float32",
          {},
        );
      } catch (error) {
        if (i === 1000) throw error;
      }
    }
  },
  VisionModel: async (folder) => {
    const file = path.join(folder, "open_clip_model.safetensors");
    const shapes: Readonly<Record<string, readonly number[]>> = {
      "conv1.weight": [4, 3, 4, 4],
      class_embedding: [4],
      positional_embedding: [5, 4],
      "transformer.resblocks.0.ln_1.weight": [4],
      "transformer.resblocks.0.ln_1.bias": [4],
      "transformer.resblocks.0.attn.in_proj_weight": [12, 4],
      "transformer.resblocks.0.attn.in_proj_bias": [12],
      "transformer.resblocks.0.attn.out_proj.weight": [4, 4],
      "transformer.resblocks.0.attn.out_proj.bias": [4],
      "transformer.resblocks.0.ln_2.weight": [4],
      "transformer.resblocks.0.ln_2.bias": [4],
      "transformer.resblocks.0.mlp.c_fc.weight": [8, 4],
      "transformer.resblocks.0.mlp.c_fc.bias": [8],
      "transformer.resblocks.0.mlp.c_proj.weight": [4, 8],
      "transformer.resblocks.0.mlp.c_proj.bias": [4],
    };
    if (!existsSync(file)) {
      const names = Object.keys(shapes).map((name) => `visual.${name}`);
      const tensors = Object.values(shapes).map((shape) => floats(shape, 0.1));
      await addon().writeTensorFile(file, { format: "safetensors", names, tensors }, {});
    }
    return addon().loadClip(
      [file],
      {
        height: 8,
        width: 8,
        patchHeight: 4,
        patchWidth: 4,
        nLayers: 1,
        dVit: 4,
        heads: 2,
        hidden: 8,
        eps: 1e-5,
        gelu: "erf",
        head: { pool: "cls", wholeMean: false, wholeAttention: false, heads: 1, gelu: "erf" },
        normBeforeBlocks: false,
        normAfterPool: false,
        layerScale: false,
      },
      {},
    );
  },
  TextModel: async (folder) => {
    const file = path.join(folder, "text.safetensors");
    const block = "transformer.resblocks.0.";
    const shapes: Readonly<Record<string, readonly number[]>> = {
      "token_embedding.weight": [6, 4],
      positional_embedding: [3, 4],
      [`${block}ln_1.weight`]: [4],
      [`${block}ln_1.bias`]: [4],
      [`${block}attn.in_proj_weight`]: [12, 4],
      [`${block}attn.in_proj_bias`]: [12],
      [`${block}attn.out_proj.weight`]: [4, 4],
      [`${block}attn.out_proj.bias`]: [4],
      [`${block}ln_2.weight`]: [4],
      [`${block}ln_2.bias`]: [4],
      [`${block}mlp.c_fc.weight`]: [8, 4],
      [`${block}mlp.c_fc.bias`]: [8],
      [`${block}mlp.c_proj.weight`]: [4, 8],
      [`${block}mlp.c_proj.bias`]: [4],
      "ln_final.weight": [4],
      "ln_final.bias": [4],
      text_projection: [4, 2],
    };
    if (!existsSync(file)) {
      const tensors = Object.values(shapes).map((shape) => floats(shape, 0.1));
      await addon().writeTensorFile(file, { format: "safetensors", names: Object.keys(shapes), tensors }, {});
    }
    return addon().loadTextModel(
      [file],
      {
        ...{ context: 3, vocabulary: 6, width: 4, nLayers: 1, heads: 2, hidden: 8, embedding: 2, eps: 1e-5 },
        ...{ gelu: "erf", causal: true, layerScale: false, pool: "largest", end: 0, projection: "matrix" },
      },
      {},
    );
  },
  FolderLock: (folder) => {
    // A folder has one lock at a time: the first that is free.
    for (let i = 0; ; i++) {
      const dir = path.join(folder, `locked-${i}`);
      mkdirSync(dir, { recursive: true });
      try {
        return addon().lockFolder(dir, "busy");
      } catch (error) {
        if (i === 1000) throw error;
      }
    }
  },
  Trainer: () => {
    const trainer = addon().trainer(2);
    addon().trainerAdd(trainer, params(), toNativeTraining({ lr: 1e-3, nLrWarmup: 0 }));
    return trainer;
  },
  LatentProbes: () => addon().latentProbes({ dSae: 3, nClasses: 2, maxEntries: 100, seed: 0 }),
  EvaluationSums: () => addon().evaluationSums(2, 3, [1]),
  SparseAutoencoder: () =>
    addon().sparseAutoencoder(params(), true, {
      selection: "relu",
      topK: 0,
      relu: true,
      threshold: 0,
    }),
};
