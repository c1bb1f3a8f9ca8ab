import type { CommandClass } from "clipanion";
import type { CommandLineDoc } from "../help/overview.js";
import type { Context } from "./saev-command.js";

/** A command, of which nothing is loaded before it is called. */
export interface ListedCommand extends CommandLineDoc {
  /** Imports its class. */
  readonly load: () => Promise<CommandClass<Context>>;
}

/** All commands, in the order in which they are used. */
export const commands: readonly ListedCommand[] = [
  {
    name: "activations",
    summary: "Record a vision transformer's activations in shards.",
    load: async () => (await import("./activations.js")).ActivationsCommand,
  },
  {
    name: "train",
    summary: "Train one sparse autoencoder, or a sweep of them, on recorded activations.",
    load: async () => (await import("./train.js")).TrainCommand,
  },
  {
    name: "evaluate",
    summary: "Measure SAEs: sparsity, reconstruction, dictionary, labels, the model's output.",
    load: async () => (await import("./evaluate.js")).EvaluateCommand,
  },
  {
    name: "latents",
    summary: "Write the latents of a whole dataset, for scipy, pandas, polars and DuckDB.",
    load: async () => (await import("./latents.js")).LatentsCommand,
  },
  {
    name: "visuals",
    summary: "Find the images that each latent responds to, and make a gallery.",
    load: async () => (await import("./visuals.js")).VisualsCommand,
  },
  {
    name: "names",
    summary: "Suggest names for latents of a CLIP or SigLIP, from a vocabulary.",
    load: async () => (await import("./names.js")).NamesCommand,
  },
  {
    name: "explore",
    summary: "Open a page on which latents are found, read, compared, named and steered.",
    load: async () => (await import("./explore.js")).ExploreCommand,
  },
  {
    name: "export",
    summary: "Write the explorer's pages as files that open from disk.",
    load: async () => (await import("./export.js")).ExportCommand,
  },
  {
    name: "plots",
    summary: "Draw training curves and the Pareto front of runs as SVG and PNG.",
    load: async () => (await import("./plots.js")).PlotsCommand,
  },
  {
    name: "info",
    summary: "Say what a shard folder, an SAE, a run, a gallery or a model folder holds.",
    load: async () => (await import("./info.js")).InfoCommand,
  },
  {
    name: "verify",
    summary: "Read recorded activations from end to end and say what is wrong with them.",
    load: async () => (await import("./verify.js")).VerifyCommand,
  },
  {
    name: "convert",
    summary: "Write recorded activations, or an SAE, in another tool's layout.",
    load: async () => (await import("./convert.js")).ConvertCommand,
  },
  {
    name: "models",
    summary: "List the models that can be named, their sizes, and which are downloaded.",
    load: async () => (await import("./models.js")).ModelsCommand,
  },
  {
    name: "download",
    summary: "Download a model into the cache that Python's tools share.",
    load: async () => (await import("./download.js")).DownloadCommand,
  },
  {
    name: "doctor",
    summary: "Check that everything saev needs on this machine is there and works.",
    load: async () => (await import("./doctor.js")).DoctorCommand,
  },
  {
    name: "setup",
    summary: "Fetch libtorch, when no installed one fits.",
    load: async () => (await import("./setup.js")).SetupCommand,
  },
];
