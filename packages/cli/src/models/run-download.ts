import { statSync } from "node:fs";
import type { ModelSizes, ResolvedModel } from "@saev/core";
import { jsonOption, type Option, oneOf, toggle } from "../argv/option.js";
import { Interrupted } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { downloadProgress } from "../progress/download.js";
import { makeReporter } from "../progress/reporter.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { bytes, pairs } from "../text.js";

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
      "Downloads a model, unless it is here, into the cache that Python's huggingface_hub (or torch.hub) uses.",
    details: [
      "MODEL is what --vit-ckpt takes: a name that saev models lists, or a repository (hf-hub:org/name, hf:org/name@revision). A download that was cut goes on where it stopped; files are checked by size and hash and appear under their name when they are whole. Jobs download what they need themselves: this command is for machines without a network later on.",
      "HF_TOKEN is for private and gated models, HF_HOME or HF_HUB_CACHE say where the cache is, TORCH_HOME where torch.hub's is, HF_ENDPOINT names a mirror, HTTPS_PROXY and NO_PROXY a proxy. With HF_HUB_OFFLINE=1 nothing is downloaded: the command then says whether the model is here.",
    ],
    examples: [
      ["A pretrained tag of open_clip.", "saev download ViT-B-16/openai"],
      ["A repository of the hub.", "saev download hf-hub:imageomics/bioclip"],
      ["Its folder, for a script.", "saev download ViT-B-16/openai --quiet"],
    ],
  },
  options: [
    ssl,
    jsonOption("Print the result as JSON."),
    oneOf("log-format", ["text", "json"], "How progress is written; json writes an object a line."),
    toggle("quiet", "Show no progress; print only the folder.", "-q"),
  ],
  positionals: ["MODEL"],
};

/** Downloads what is missing of a model and says where it lies. */
export async function runDownload(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const on = (option: string): boolean => line.options.get(option) === true;
  const logJson = line.options.get("log-format") === "json";
  const model = line.positionals[0]!;
  const { resolveModel, sizesOfResolved } = await import("@saev/core");
  const reporter = makeReporter(io, { quiet: on("quiet"), json: logJson });
  let fetched = 0;
  try {
    const resolved = await interruptible(
      (signal) =>
        resolveModel(undefined, model, {
          signal,
          ssl: line.options.get("ssl") !== false,
          onNote: (note) => reporter.warn(note),
          onProgress: ({ file, done, total }) => {
            if (done === total) fetched += 1;
            // Configs and the like are there at once.
            if ((total ?? done) >= 1e6) reporter.progress(downloadProgress(file, done, total));
          },
        }),
      () => reporter.note("stopping; Ctrl-C again stops at once"),
    );
    reporter.end(true);
    const sizes = sizesOfResolved(resolved);
    if (on("json") || logJson) io.stdout.write(configJson(jsonOf(model, resolved, sizes, fetched)));
    else if (on("quiet")) io.stdout.write(`${resolved.folder}\n`);
    else io.stdout.write(textOf(model, resolved, sizes, fetched));
    return Exit.done;
  } catch (error) {
    reporter.end(false);
    if (error instanceof Interrupted)
      error.message += "; what came is kept: the same command goes on from there";
    throw error;
  }
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
