import { ConfigError, grid, loadConfigFile, Train } from "@saev/config";
import { file, folder, toggle } from "../argv/option.js";
import { configOfRun } from "./config-of-run.js";
import { halvingMistakes, halvingOptions } from "./halving.js";
import type { Job } from "./job.js";
import { memory } from "./memory.js";
import { planTrain } from "./train-plan.js";
import { runTrain } from "./train-run.js";

export const trainJob: Job<Train> = {
  doc: {
    name: "train",
    summary: "Trains sparse autoencoders on recorded activations.",
    details: [
      "Each SAE is a run with a folder of its own inside --ckpt-path: config.json, metrics.jsonl, sae.pt. The SAEs of a sweep that read the same data are trained together on one pass over it, whatever their sizes, kinds and objectives, as far as they fit into memory.",
      "With --halving the worst of the SAEs that are trained together stop early; the same command again leaves them stopped, --resume RUN goes on with one of them.",
      "--data.live trains straight from images: the ViT runs meanwhile and no shards are written. --buffer bounds the memory of the activations, which are shuffled in it; images that all fit go through the ViT once, others once an epoch.",
      "The exit code is 1 when a run was dropped because its loss was not finite; the others are trained to the end.",
      "Checkpoints are written while it trains, and when it is stopped (Ctrl-C, SIGTERM; SIGUSR1 writes one and goes on). The same command again goes on from the last one to the same bits, and does nothing for runs that are finished; --new starts others. --resume RUN goes on with one run, with its own config but for the flags that are given: a larger --n-patches extends a finished one.",
    ],
    examples: [
      [
        "One SAE.",
        "saev train --data.shard-root shards/HASH --n-patches 2_000_000 sae:relu --sae.exp-factor 8 objective:vanilla --objective.sparsity-coeff 1e-3",
      ],
      [
        "One SAE straight from images.",
        "saev train --data.live --data.vit-ckpt ViT-B-16/openai --buffer 500_000 images:image-folder-dataset --images.root pictures",
      ],
      [
        "A sweep: every combination of the lists in a file.",
        "saev train --config train.toml --sweep sweep.toml",
      ],
      [
        "Go on with a run that was stopped, or train a finished one longer.",
        "saev train --resume checkpoints/RUN --n-patches 200_000_000",
      ],
      [
        "A sweep that stops the worst SAEs early and spends the time on the best.",
        "saev train --config train.toml --sweep sweep.toml --halving frontier",
      ],
      ["See which SAEs a sweep would train.", "saev train --config train.toml --sweep sweep.toml --dry-run"],
    ],
  },
  schema: Train,
  options: [
    folder("resume", "Go on with this run, with its config; flags win over it."),
    toggle("new", "Start new runs, also where some of the same config are there."),
    file(
      "sweep",
      "Train one SAE for each combination of the lists (or draws of the distributions) in this TOML or JSON file.",
    ),
    memory,
    ...halvingOptions,
  ],
  base: (options) => {
    const run = options.get("resume");
    return typeof run === "string" ? { path: `--resume ${run}`, value: configOfRun(run) } : undefined;
  },
  expand: (cfg, options) => {
    const path = options.get("sweep");
    const wrong = halvingMistakes(options);
    if (wrong.length > 0) return { cfgs: [], mistakes: wrong };
    if (options.has("resume") && (options.has("sweep") || options.get("new") === true))
      return {
        cfgs: [],
        mistakes: ["--resume: goes on with one run; it cannot be combined with --sweep or --new"],
      };
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
  plan: planTrain,
  run: runTrain,
  goOn: "what was trained so far is kept; the same command goes on from there",
};
