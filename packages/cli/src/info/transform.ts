import { existsSync } from "node:fs";
import path from "node:path";
import { CommandError } from "../errors.js";
import type { Info } from "./info.js";
import { recognise } from "./recognise.js";

/** How the answer is known, in words. */
const sources = {
  recording: "the recording",
  model: "the model's config",
  family: "what most models of the family do",
} as const;

/**
 * What is done to a picture before a model's first layer, step by step.
 * @param at a shard folder, a model's folder or weights, or a name as --vit-ckpt takes it.
 * @throws CommandError `UNSUPPORTED` for things of another kind; SaevError as looking for a model does.
 */
export async function transformInfo(at: string): Promise<Info> {
  const { preprocessingOf, transformSteps } = await import("@saev/core");
  const { family, ckpt, from, transform, note } = await found(at);
  const steps = transformSteps(transform);
  return {
    title: `preprocessing, ${family} family`,
    lines: [
      ...steps.map(({ step, text }, i) => [`${i + 1}. ${step}`, text] as const),
      ["known from", `${sources[from]}${from === "recording" ? ` of ${ckpt}` : ""}`],
    ],
    json: {
      ...{ kind: "transform", path: at, vit_family: family, vit_ckpt: ckpt, from },
      transform: preprocessingOf(transform),
      steps,
    },
    problems: note === undefined ? [] : [note],
  };
}

async function found(at: string) {
  const { modelFacts, recordedTransform, ShardFolder } = await import("@saev/core");
  const kind = existsSync(at) ? recognise(at) : undefined;
  if (kind === "shard-folder") {
    const folder = await ShardFolder.open(at);
    const { vit_family: family, vit_ckpt: ckpt } = folder.metadata;
    return { family, ckpt, ...(await recordedTransform(folder)) };
  }
  if (kind !== undefined && kind !== "vit" && kind !== "tensor-file")
    throw new CommandError(
      "UNSUPPORTED",
      `${at}: --transform is for a model or a shard folder, and this is another kind of thing (${kind})`,
    );
  const ckpt = kind === undefined ? at : path.resolve(at);
  const { family, transform } = await modelFacts(undefined, ckpt);
  return { family, ckpt: at, from: "model" as const, transform, note: undefined };
}
