import type { Conversion, ShardFormat } from "@saev/core";
import { file, jsonOption, type Option, oneOf, toggle } from "../argv/option.js";
import { UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { makeReporter } from "../progress/reporter.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { amount } from "../text.js";
import { convertSae, pythonSchemas, refuseSae } from "./convert-sae.js";

const toOption: Option = {
  ...oneOf(
    "to",
    [
      "document",
      "protocol-2.1",
      "saelens",
      "sparsify",
      "dictionary-learning",
      ...Object.keys(pythonSchemas),
      "saev",
    ],
    "The layout to write. Of shards: that of the configuration document (June 2025, which saev records), or the Python package's present one. Of an SAE: SAELens 6, sparsify, dictionary_learning, the Python package's sae.pt in any of its schemas (1: June 2025; 5: March 2026) or from before them (pre-schema), or saev's own sae.pt.",
  ),
  default: undefined,
};
const out: Option = {
  ...file(
    "out",
    "The folder in which that of new shards is made, named by the hash of its metadata; of an SAE, the new or empty folder of its files.",
  ),
  metavar: "DIR",
  expected: "the path of a folder",
};

const command: SimpleCommand = {
  doc: {
    name: "convert",
    summary:
      "Writes a finished shard folder down in the other of the Python package's two layouts, without copying its shards, or an SAE in another tool's layout.",
    details: [
      "Shards of the new folder are hard links to the old ones (copies on another disk): deleting either folder leaves the other whole. What the new layout has no place for is kept in converted-from.json, so that converting back gives the same files. labels.bin and the holes of saev.json come along.",
      "An SAE is a sae.pt of saev or the Python package, or a folder of SAELens 6, sparsify or dictionary_learning; which, its content tells. Its latents stay the same, and what the layout cannot hold is refused with the reason. Layouts: see docs/checkpoints.md.",
      "Today's Python package looks for its shards in a folder whose path ends in saev/shards.",
    ],
    examples: [
      [
        "For the Python package of today.",
        "saev convert ./shards/8b1b… --to protocol-2.1 --out ./saev/shards",
      ],
      ["For that of June 2025.", "saev convert ./saev/shards/1f3c92ab --to document --out ./shards"],
      ["For SAELens.", "saev convert ./checkpoints/RUN/sae.pt --to saelens --out ./for-saelens"],
    ],
  },
  options: [
    toOption,
    out,
    jsonOption("Print the result as JSON."),
    oneOf("log-format", ["text", "json"], "How progress is written; json writes an object a line."),
    toggle("quiet", "Show no progress; print only the folder.", "-q"),
  ],
  positionals: ["SHARDS|SAE"],
};

/** Converts a shard folder or an SAE and says where the new one is. */
export async function runConvert(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const missing = ["to", "out"].filter((option) => line.options.get(option) === undefined);
  if (missing.length > 0)
    throw new UsageError(
      "convert",
      missing.map((option) => `--${option} is missing`),
    );
  const to = line.options.get("to") as string;
  if (to !== "document" && to !== "protocol-2.1") return convertSae(line, io);
  const quiet = line.options.get("quiet") === true;
  const json = line.options.get("log-format") === "json";
  const { convertShards } = await import("@saev/core");
  await refuseSae(line.positionals[0]!, to);
  const reporter = makeReporter(io, { quiet, json });
  let made: Conversion;
  try {
    made = await interruptible(
      (signal) =>
        convertShards(line.positionals[0]!, to as ShardFormat, line.options.get("out") as string, {
          signal,
          onProgress: ({ done, total }) =>
            reporter.progress({ label: "converting", done, total, unit: "files" }),
        }),
      () => reporter.note("stopping; Ctrl-C again stops at once"),
    );
    reporter.end(true);
  } catch (error) {
    reporter.end(false);
    throw error;
  }
  if (json || line.options.get("json") === true) io.stdout.write(configJson({ kind: "conversion", ...made }));
  else if (quiet) io.stdout.write(`${made.dir}\n`);
  else io.stdout.write(`${made.dir}: ${amount(made.linked, "shard")} linked, ${made.copied} copied\n`);
  return Exit.done;
}
