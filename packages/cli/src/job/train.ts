import { ConfigError, grid, loadConfigFile, Train } from "@saev/config";
import { file } from "../argv/option.js";
import type { Job } from "./job.js";
import { planTrain } from "./train-plan.js";
import { runTrain } from "./train-run.js";

export const trainJob: Job<Train> = {
  doc: {
    name: "train",
    summary: "Trains sparse autoencoders on recorded activations.",
    details: [
      "Each SAE is a run with a folder of its own inside --ckpt-path: config.json, metrics.jsonl, sae.pt. The SAEs of a sweep that read the same data are trained together on one pass over it.",
    ],
    examples: [
      [
        "One SAE.",
        "saev train --data.shard-root shards/HASH --n-patches 2_000_000 sae:relu --sae.exp-factor 8 objective:vanilla --objective.sparsity-coeff 1e-3",
      ],
      [
        "A sweep: every combination of the lists in a file.",
        "saev train --config train.toml --sweep sweep.toml",
      ],
      ["See which SAEs a sweep would train.", "saev train --config train.toml --sweep sweep.toml --dry-run"],
    ],
  },
  schema: Train,
  options: [
    file(
      "sweep",
      "Train one SAE for each combination of the lists (or draws of the distributions) in this TOML or JSON file.",
    ),
  ],
  expand: (cfg, options) => {
    const path = options.get("sweep");
    if (typeof path !== "string") return { cfgs: [cfg], mistakes: [] };
    try {
      const { cfgs, errs } = grid(cfg, loadConfigFile(path));
      if (errs.length === 0 && cfgs.length === 0)
        return { cfgs, mistakes: [`${path}: an empty list leaves no combination`] };
      return { cfgs, mistakes: errs.map(({ message }) => `${path}: ${message}`) };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { cfgs: [], mistakes: [`--sweep: ${error.message}`] };
    }
  },
  plan: ({ cfgs }) => planTrain(cfgs),
  run: runTrain,
  goOn: "what was trained so far is kept as each run's sae.pt; the same command starts new runs",
};
