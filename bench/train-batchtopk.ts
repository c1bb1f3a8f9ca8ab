import { benchTrain } from "./_train.js";

/** A training step of a BatchTopK SAE, 32 of 16,384 latents a row on average, with the Python package's defaults. */
export default () =>
  benchTrain({
    name: "train-batchtopk",
    rows: 4096,
    dVit: 768,
    dSae: 16384,
    kind: "batch-top-k",
    topK: 32,
    steps: 3,
    unscreened: true,
  });
