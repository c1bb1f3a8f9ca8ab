import { benchTrain } from "./_train.js";

/** A training step with half of the latents active, as in the first steps of a run. */
export default () =>
  benchTrain({ name: "train-dense", rows: 4096, dVit: 768, dSae: 6144, bEnc: 0, steps: 5 });
