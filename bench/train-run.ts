import { wholeRun } from "./_whole_run.js";

/** With the smallest `sparsity_coeff` of the sweep in README.md, with which few latents are active at the end. */
export default () => wholeRun("train-run", 8e-3);
