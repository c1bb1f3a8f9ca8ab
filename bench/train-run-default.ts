import { wholeRun } from "./_whole_run.js";

/** With the Python package's default `sparsity_coeff`. On this data a quarter of the latents is active at the end. */
export default () => wholeRun("train-run-default", 4e-4);
