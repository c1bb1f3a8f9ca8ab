import { jsonOption, text, toggle, whole, wholes } from "../argv/option.js";
import { UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { makeReporter } from "../progress/reporter.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { imagesOf, imagesOption } from "./images-option.js";

const command: SimpleCommand = {
  doc: {
    name: "export",
    summary:
      "Writes the explorer's pages as files that open from disk, for a paper's supplement or a colleague.",
    details: [
      "PATH is what saev explore takes. The pages are the same, without what needs a running program: no notes are written and no pictures are looked at. They load nothing from anywhere.",
      "Without --latents every latent that fires has a page. 1,000 latents with 24 images each take about 150 MB.",
    ],
    examples: [
      ["A folder; open its index.html.", "saev export gallery --out supplement"],
      [
        "Three latents in one file.",
        "saev export gallery --out latents.html --single-file --latents 12 82 510",
      ],
    ],
  },
  options: [
    text("out", "PATH", "a path", "Folder to make, or with --single-file the file."),
    wholes("latents", "whole numbers from 0", "Latents that get pages; default: all that fire."),
    whole("top", "N", "a whole number from 1", "Images of each latent, from the best; default 24."),
    toggle("single-file", "Write one HTML file with everything inside; pictures are smaller."),
    imagesOption,
    jsonOption("Print the result as JSON."),
    toggle("quiet", "Show no progress.", "-q"),
  ],
  positionals: ["PATH…"],
};

/** Writes an export; prints the path of its page. */
export async function runExport(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const out = line.options.get("out") as string | undefined;
  const top = line.options.get("top") as number | undefined;
  const mistakes = [
    ...(out === undefined ? ["--out: is missing"] : []),
    ...(top !== undefined && top < 1 ? [`--top: expected a whole number from 1, found ${top}`] : []),
  ];
  if (out === undefined || mistakes.length > 0) throw new UsageError("export", mistakes);
  const { Collection, exportFile, exportFolder } = await import("@saev/visuals/explorer");
  const reporter = makeReporter(io, { quiet: line.options.get("quiet") === true, json: false });
  const collection = await Collection.open(line.positionals, imagesOf(line));
  try {
    const write = line.options.get("single-file") === true ? exportFile : exportFolder;
    const page = await interruptible(
      (signal) =>
        write(collection, out, {
          latents: line.options.get("latents") as number[] | undefined,
          images: top,
          signal,
          onProgress: ({ done, total }) =>
            reporter.progress({ label: "writing", done, total, unit: "latents" }),
        }),
      () => reporter.note("stopping; Ctrl-C again stops at once"),
    );
    reporter.end(true);
    io.stdout.write(line.options.get("json") === true ? configJson({ kind: "export", page }) : `${page}\n`);
  } catch (error) {
    reporter.end(false);
    throw error;
  } finally {
    collection.dispose();
  }
  return Exit.done;
}
