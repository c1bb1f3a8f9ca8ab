import { benchTrain } from "./_train.js";

/** `train-sparse` with our encoder's products in bfloat16, for CPUs that have instructions for them. */
export default () =>
  benchTrain({
    name: "train-sparse-bf16",
    rows: 4096,
    dVit: 768,
    dSae: 6144,
    bEnc: -2.457,
    steps: 5,
    encoderPrecision: "bfloat16",
  });
