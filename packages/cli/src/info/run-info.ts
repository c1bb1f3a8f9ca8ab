import { jsonOption, toggle } from "../argv/option.js";
import { CommandError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { styleOf } from "../help/style.js";
import { hasColour, type Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { pairs } from "../text.js";
import type { Info } from "./info.js";
import { type Kind, recognise } from "./recognise.js";

const command: SimpleCommand = {
  doc: {
    name: "info",
    summary:
      "Says what a path holds: a shard folder, an SAE (sae.pt), a run, a visuals folder, a model folder, a file of tensors, or a folder of several of these.",
    details: [
      "What it is, is told by what lies there, not by its name. Faults that do not keep it from being read are listed at the end.",
      "With --transform, PATH is a model or a shard folder, or a name of a model as --vit-ckpt takes it, whose config is downloaded where it is not here: what is done to a picture before the first layer, step by step.",
    ],
    examples: [
      ["How many images, layers and tokens were recorded.", "saev info ./shards/8b1b…"],
      ["How large an SAE is and how it was trained.", "saev info ./checkpoints/4f2a…/sae.pt"],
      ["How pictures were cut and scaled.", "saev info ./shards/8b1b… --transform"],
      ["What a model does to a picture.", "saev info ViT-B-16/openai --transform"],
      ["For a script.", "saev info ./data/sort_by_patch --json"],
    ],
  },
  options: [
    toggle("transform", "Print the preprocessing of a model or a shard folder, step by step."),
    jsonOption("Print everything as JSON."),
  ],
  positionals: ["PATH"],
};

/** Prints what is known about a path, text or JSON. */
export async function runInfo(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const at = line.positionals[0]!;
  const info =
    line.options.get("transform") === true
      ? await (await import("./transform.js")).transformInfo(at)
      : await describe(recognise(at), at);
  if (line.options.get("json") === true) {
    io.stdout.write(configJson({ ...info.json, problems: info.problems ?? [] }));
    return Exit.done;
  }
  const style = styleOf(hasColour(io.stdout, io.env));
  io.stdout.write(`${style.bold(at)}: ${info.title}\n\n${pairs(info.lines)}`);
  if (info.below) io.stdout.write(`\n${info.below}`);
  for (const problem of info.problems ?? []) io.stdout.write(`${style.bold("note:")} ${problem}\n`);
  return Exit.done;
}

/** Only what the kind needs is loaded: shard folders and models are described without libtorch. */
async function describe(kind: Kind, at: string): Promise<Info> {
  switch (kind) {
    case "shard-folder":
      return (await import("./shard-folder.js")).shardFolderInfo(at);
    case "vit":
      return (await import("./vit.js")).vitInfo(at);
    case "sae":
      return (await import("./sae.js")).saeInfo(at);
    case "run":
      return (await import("./run.js")).trainingRunInfo(at);
    case "visuals":
      return (await import("./visuals.js")).visualsInfo(at);
    case "tensor-file":
      return (await import("./tensor-file.js")).tensorFileInfo(at);
    case "collection":
      return (await import("./collection.js")).collectionInfo(at);
    default:
      throw new CommandError("INTERNAL", `no description for ${kind satisfies never}`);
  }
}
