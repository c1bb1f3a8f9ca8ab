import { benchTrain } from "./_train.js";

/** A training step of a ReLU SAE on 10 nested prefixes, 0.7 % of the latents active. */
export default () =>
  benchTrain({
    name: "train-matryoshka",
    rows: 4096,
    dVit: 768,
    dSae: 6144,
    bEnc: -2.457,
    nPrefixes: 10,
    steps: 5,
    unscreened: true,
  });
