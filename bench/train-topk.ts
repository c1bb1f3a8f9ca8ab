import { benchTrain } from "./_train.js";

/** A training step of a TopK SAE, 32 of 16,384 latents a row, with the Python package's defaults. */
export default () =>
  benchTrain({
    name: "train-topk",
    rows: 4096,
    dVit: 768,
    dSae: 16384,
    kind: "top-k",
    topK: 32,
    steps: 3,
    unscreened: true,
  });
