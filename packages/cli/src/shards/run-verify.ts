import { Activations, type Dataset, flagTable } from "@saev/config";
import type { ShardVerification, VerifyOptions } from "@saev/core";
import { jsonOption, oneOf, text, toggle, whole } from "../argv/option.js";
import type { CommandLine } from "../argv/read.js";
import { UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { assemble } from "../job/assemble.js";
import { configJson } from "../job/print-config.js";
import { makeReporter } from "../progress/reporter.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { amount, bytes } from "../text.js";

/** The pictures of `--recompute`, named as `saev activations` names them; none is a default. */
const { unions, ...activations } = flagTable(Activations);
const pictures = {
  ...activations,
  flags: [],
  unions: unions
    .filter(({ path }) => path === "data")
    .map((union) => ({
      ...union,
      doc: "The pictures for --recompute.",
      members: union.members.map((member) => ({ ...member, isDefault: false })),
    })),
};

const command: SimpleCommand = {
  doc: {
    name: "verify",
    summary:
      "Reads a shard folder from end to end and says what is wrong with it: sizes, checksums, values that are not finite, images that are zeros, an unfinished recording, a wrong name, files that do not belong there.",
    details: [
      "SHARDS is a folder with metadata.json, of either layout of the Python package. Shards that saev recorded are compared with SHA256SUMS, which was written beside them as they were finished; `sha256sum -c SHA256SUMS` in that folder does the same. Nothing is changed.",
      "--recompute takes the model and the pictures that metadata.json names. Where it does not say which they are, or they lie elsewhere now, name them: --vit-ckpt, and data:KIND with its flags as for saev activations.",
      "One line a finding, and what to do. The exit code is 1 when the activations are not what they should be; lines that begin with note: do not count.",
    ],
    examples: [
      ["After a copy to another disk.", "saev verify ./shards/8b1b…"],
      ["Five images again, with the model that recorded them.", "saev verify ./shards/8b1b… --recompute 5"],
      [
        "The same where the pictures lie elsewhere now, or metadata.json does not say which they are.",
        "saev verify ./shards/8b1b… --recompute 5 data:image-folder-dataset --data.root ./photographs",
      ],
      ["For a script.", "saev verify ./shards/8b1b… --json"],
    ],
  },
  options: [
    whole(
      "recompute",
      "N",
      "a whole number, 1 or more",
      "Compute N images again, spread over the folder, and compare; the model and the images must be here.",
    ),
    text(
      "vit-ckpt",
      "CKPT",
      "the name or path of a model",
      "The model for --recompute, where it is not the one that metadata.json names.",
    ),
    jsonOption("Print the findings as JSON."),
    oneOf("log-format", ["text", "json"], "How progress is written; json writes an object a line."),
    toggle("quiet", "Show no progress.", "-q"),
  ],
  positionals: ["SHARDS"],
  table: pictures,
};

/** What is to be computed again, and of what. @throws UsageError with every mistake. */
function recomputation(line: CommandLine): Pick<VerifyOptions, "recompute" | "data" | "vitCkpt"> {
  const recompute = line.options.get("recompute") as number | undefined;
  const vitCkpt = line.options.get("vit-ckpt") as string | undefined;
  const named = line.kinds.size + line.settings.length > 0;
  if (recompute === undefined) {
    const idle = [...(named ? ["data:KIND"] : []), ...(vitCkpt === undefined ? [] : ["--vit-ckpt"])];
    if (idle.length === 0) return {};
    throw new UsageError("verify", [`${idle.join(" and ")}: is for --recompute N; give both`]);
  }
  if (recompute < 1)
    throw new UsageError("verify", [`--recompute: expected a whole number, 1 or more, found ${recompute}`]);
  let data: Dataset | undefined;
  if (named) {
    const { config, mistakes } = assemble(Activations, pictures, line);
    if (config === undefined) throw new UsageError("verify", mistakes);
    data = config.data;
  }
  return { recompute, ...(data && { data }), ...(vitCkpt !== undefined && { vitCkpt }) };
}

/** Verifies a shard folder; prints its findings, one a line. */
export async function runVerify(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const json = line.options.get("log-format") === "json";
  const again = recomputation(line);
  const { verifyShards } = await import("@saev/core");
  const reporter = makeReporter(io, { quiet: line.options.get("quiet") === true, json });
  let found: ShardVerification;
  try {
    found = await interruptible(
      (signal) =>
        verifyShards(line.positionals[0]!, {
          signal,
          ...again,
          onProgress: ({ done, total }) =>
            reporter.progress({ label: "reading", done: done / 1e6, total: total / 1e6, unit: "MB" }),
        }),
      () => reporter.note("stopping; Ctrl-C again stops at once"),
    );
    reporter.end(true);
  } catch (error) {
    reporter.end(false);
    throw error;
  }
  if (json || line.options.get("json") === true) io.stdout.write(configJson(jsonOf(found)));
  else io.stdout.write(textOf(found));
  return found.ok ? Exit.done : Exit.failed;
}

function textOf({ findings, ok, files, checksums, bytes: size }: ShardVerification): string {
  const lines = findings.map(({ severity, message }) => (severity === "note" ? `note: ${message}` : message));
  const what = `${amount(files, "shard file")}, ${bytes(size)}, ${amount(checksums, "checksum")} compared`;
  return [...lines, ok ? `good: ${what}` : `bad: ${what}`].map((text) => `${text}\n`).join("");
}

const jsonOf = ({ dir, ...found }: ShardVerification) => ({
  kind: "shard-verification",
  path: dir,
  ...found,
});
