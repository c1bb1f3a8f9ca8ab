import { statSync } from "node:fs";
import type { ModelSizes, ResolvedModel } from "@saev/core";
import { jsonOption, type Option, oneOf, text, toggle } from "../argv/option.js";
import { Interrupted, UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { downloadProgress } from "../progress/download.js";
import { makeReporter } from "../progress/reporter.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { bytes, pairs } from "../text.js";
import { type DownloadSettings, type Fetched, fetchDataset } from "./fetch-dataset.js";

/** As `--ssl` of the jobs. */
const ssl: Option = {
  ...toggle("ssl", "Whether servers must show a valid certificate."),
  default: true,
  negation: "--no-ssl",
};

const command: SimpleCommand = {
  doc: {
    name: "download",
    summary:
      "Downloads a model or a dataset, unless it is here, into the cache that Python's huggingface_hub (or torch.hub) uses.",
    details: [
      "NAME is what --vit-ckpt takes: a name that saev models lists, or a repository (hf-hub:org/name, hf:org/name@revision). A download that was cut goes on where it stopped; files are checked by size and hash and appear under their name when they are whole. Jobs download what they need themselves: this command is for machines without a network later on.",
      "With --dataset, NAME is a dataset of the hub: org/name, org/name@revision or org/name/configuration, of which the parquet files of one split are fetched, or, where the repository has none, those that the hub made of it; or hf://datasets/org/name/*.tar for archives of WebDataset.",
      "HF_TOKEN is for private and gated models, HF_HOME or HF_HUB_CACHE say where the cache is, TORCH_HOME where torch.hub's is, HF_ENDPOINT names a mirror, HTTPS_PROXY and NO_PROXY a proxy. With HF_HUB_OFFLINE=1 nothing is downloaded: the command then says whether the model is here.",
    ],
    examples: [
      ["A pretrained tag of open_clip.", "saev download ViT-B-16/openai"],
      ["A repository of the hub.", "saev download hf-hub:imageomics/bioclip"],
      ["Its folder, for a script.", "saev download ViT-B-16/openai --quiet"],
      ["A split of a dataset.", "saev download --dataset ILSVRC/imagenet-1k --split validation"],
    ],
  },
  options: [
    toggle("dataset", "NAME is a dataset, not a model."),
    text("split", "SPLIT", "the name of a split", "With --dataset: which split; default: train."),
    ssl,
    jsonOption("Print the result as JSON."),
    oneOf("log-format", ["text", "json"], "How progress is written; json writes an object a line."),
    toggle("quiet", "Show no progress; print only the folder.", "-q"),
  ],
  positionals: ["NAME"],
};

/** Downloads what is missing of a model or a dataset and says where it lies. */
export async function runDownload(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const on = (option: string): boolean => line.options.get(option) === true;
  const logJson = line.options.get("log-format") === "json";
  const name = line.positionals[0]!;
  const split = line.options.get("split") as string | undefined;
  if (split !== undefined && !on("dataset"))
    throw new UsageError("download", ["--split: only a dataset has splits; add --dataset"]);
  const reporter = makeReporter(io, { quiet: on("quiet"), json: logJson });
  try {
    const fetched = await interruptible(
      (signal) => {
        const options: DownloadSettings = {
          signal,
          ssl: line.options.get("ssl") !== false,
          onNote: (note) => reporter.warn(note),
          onProgress: ({ file, done, total }) => {
            // Configs and the like are there at once.
            if ((total ?? done) >= 1e6) reporter.progress(downloadProgress(file, done, total));
          },
        };
        return on("dataset") ? fetchDataset(name, split ?? "train", options) : fetchModel(name, options);
      },
      () => reporter.note("stopping; Ctrl-C again stops at once"),
    );
    reporter.end(true);
    if (on("json") || logJson) io.stdout.write(configJson(fetched.json));
    else if (on("quiet")) io.stdout.write(`${fetched.folder}\n`);
    else io.stdout.write(fetched.text);
    return Exit.done;
  } catch (error) {
    reporter.end(false);
    if (error instanceof Interrupted)
      error.message += "; what came is kept: the same command goes on from there";
    throw error;
  }
}

async function fetchModel(model: string, options: DownloadSettings): Promise<Fetched> {
  const { resolveModel, sizesOfResolved } = await import("@saev/core");
  let fetched = 0;
  const resolved = await resolveModel(undefined, model, {
    ...options,
    onProgress: (progress) => {
      if (progress.done === progress.total) fetched += 1;
      options.onProgress(progress);
    },
  });
  const sizes = sizesOfResolved(resolved);
  return {
    folder: resolved.folder,
    text: textOf(model, resolved, sizes, fetched),
    json: jsonOf(model, resolved, sizes, fetched),
  };
}

const files = ({ config, weights }: ResolvedModel): string[] => [
  ...(config && !weights.includes(config.from) && isFile(config.from) ? [config.from] : []),
  ...weights,
];
const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() === true;

function textOf(
  model: string,
  resolved: ResolvedModel,
  sizes: ModelSizes | undefined,
  fetched: number,
): string {
  const size = files(resolved).reduce((sum, file) => sum + statSync(file).size, 0);
  return pairs([
    ["model", `${model}, ${fetched > 0 ? "downloaded" : "already here"}, ${bytes(size)}`],
    ["folder", resolved.folder],
    ...(resolved.commit === undefined ? [] : [["commit", resolved.commit] as const]),
    ...(sizes?.runs
      ? [["record with", `--vit-family ${sizes.family} --vit-ckpt ${model}`] as const]
      : [["note", "this version of saev does not run this model"] as const]),
  ]);
}

const jsonOf = (model: string, resolved: ResolvedModel, sizes: ModelSizes | undefined, fetched: number) => ({
  vit_ckpt: model,
  fetched: fetched > 0,
  folder: resolved.folder,
  commit: resolved.commit ?? null,
  weights: resolved.weights,
  files: files(resolved).map((file) => ({ path: file, bytes: statSync(file).size })),
  vit_family: sizes?.family ?? null,
  d_vit: sizes?.dVit ?? null,
  n_patches_per_img: sizes?.nPatches ?? null,
  runs: sizes?.runs ?? false,
});
