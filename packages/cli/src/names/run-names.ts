import path from "node:path";
import type { Collection, NamedBy, NamedLatents, NamedWord } from "@saev/visuals/explorer";
import { file, jsonOption, oneOf, text, toggle, whole, wholes } from "../argv/option.js";
import type { CommandLine } from "../argv/read.js";
import { UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { makeReporter } from "../progress/reporter.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { amount, count, table } from "../text.js";

const command: SimpleCommand = {
  doc: {
    name: "names",
    summary: "Suggests names for latents of a CLIP or SigLIP, from a vocabulary and the model's text tower.",
    details: [
      "PATH is a visuals folder of saev visuals (sort_by_patch, sort_by_img, sort_by_cls), or a folder that holds some. Each latent gets the words that stand out of the vocabulary most: by how its decoder direction moves the model's embedding, and by the embeddings of its top images.",
      "names.json and names.safetensors are written into the visuals folder; saev explore then shows the names and finds latents by any text. Needed are the recording, the SAE and the model, on this machine; pictures are not.",
      "Every latent costs a pass through the blocks after its layer: minutes for thousands of latents of a middle layer.",
    ],
    examples: [
      ["All latents that fire.", "saev names gallery"],
      ["With one's own words.", "saev names gallery --vocabulary birds.txt --template 'a photo of a {}'"],
      ["Some latents, as JSON.", "saev names gallery --latents 12 82 510 --json"],
    ],
  },
  options: [
    file(
      "vocabulary",
      "Words to choose from, one a line; default: 5,059 common English nouns and adjectives.",
    ),
    text(
      "template",
      "TEXT",
      'some text with "{}"',
      'What a word stands in; default "{}", the word by itself.',
    ),
    oneOf(
      "by",
      ["both", "decoder", "pictures"],
      "What names are chosen by: decoder directions, top images, or both alike.",
    ),
    whole("words", "N", "a whole number from 1", "Words of each latent; default 5."),
    wholes("latents", "whole numbers from 0", "Latents that get names; default: all that fire."),
    whole("top", "N", "a whole number from 1", "Top images of each latent that count; default 8."),
    whole("sample", "N", "a whole number from 1", "Images that stand for all; default 256."),
    jsonOption("Print the names as JSON."),
    toggle("quiet", "Show no progress; print only the paths of what was made.", "-q"),
  ],
  positionals: ["PATH…"],
};

const steps = {
  words: { label: "reading words", unit: "words" },
  images: { label: "embedding images", unit: "images" },
  latents: { label: "moving along directions", unit: "latents" },
} as const;

/** Latents that are printed. */
const shown = 20;

/** Names the latents of the given visuals; prints the first ones, or all as JSON. */
export async function runNames(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  checkCounts(line);
  const { Collection, namesFile, nameLatents, readVocabulary } = await import("@saev/visuals/explorer");
  const vocabulary = await readVocabulary(line.options.get("vocabulary") as string | undefined);
  const quiet = line.options.get("quiet") === true;
  const json = line.options.get("json") === true;
  const reporter = makeReporter(io, { quiet, json: false });
  const collection = await Collection.open(line.positionals);
  try {
    requireViews(collection, line.positionals);
    for (const view of collection.views.values()) {
      const named = await interruptible(
        (signal) =>
          nameLatents(view, vocabulary, {
            latents: line.options.get("latents") as number[] | undefined,
            by: line.options.get("by") as NamedBy | undefined,
            words: line.options.get("words") as number | undefined,
            template: line.options.get("template") as string | undefined,
            imagesPerLatent: line.options.get("top") as number | undefined,
            sampledImages: line.options.get("sample") as number | undefined,
            signal,
            onProgress: ({ stage, done, total }) => reporter.progress({ ...steps[stage], done, total }),
          }),
        () => reporter.note("stopping; earlier names stay"),
      );
      reporter.end(true);
      const made = path.join(view.tables.folder, namesFile);
      if (json) io.stdout.write(configJson({ kind: "names", file: made, ...jsonOf(named) }));
      else if (quiet) io.stdout.write(`${made}\n`);
      else io.stdout.write(textOf(named, made));
    }
  } catch (error) {
    reporter.end(false);
    throw error;
  } finally {
    collection.dispose();
  }
  return Exit.done;
}

function checkCounts(line: CommandLine): void {
  const mistakes = ["words", "top", "sample"].flatMap((name) => {
    const value = line.options.get(name) as number | undefined;
    return value === undefined || value >= 1
      ? []
      : [`--${name}: expected a whole number from 1, found ${value}`];
  });
  if (mistakes.length > 0) throw new UsageError("names", mistakes);
}

function requireViews({ views }: Collection, given: readonly string[]): void {
  if (views.size > 0) return;
  throw new UsageError("names", [
    `PATH: found no visuals in ${given.join(", ")}: make them with saev visuals`,
  ]);
}

const jsonOf = ({ about, latents }: NamedLatents) => ({ ...about, latents: Object.fromEntries(latents) });

function textOf({ latents }: NamedLatents, made: string): string {
  const rows = [...latents]
    .slice(0, shown)
    .map(([latent, words]) => [`${latent}`, words.map(wordText).join(", ")]);
  const rest = latents.size > shown ? `and ${count(latents.size - shown)} more\n` : "";
  return `${table(["latent", "words (score)"], rows)}\n${rest}${amount(latents.size, "latent")} named: ${made}\n`;
}

const wordText = ({ word, score }: NamedWord) => `${word} (${score.toFixed(1)})`;
