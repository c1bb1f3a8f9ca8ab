import { benchTrain } from "./_train.js";

/** A training step with 0.7 % of the latents active, the usual state of a trained SAE. */
export default () =>
  benchTrain({
    name: "train-sparse",
    rows: 4096,
    dVit: 768,
    dSae: 6144,
    bEnc: -2.457,
    steps: 5,
    unscreened: true,
  });
