import type { FoundLibtorch, LibtorchPlan } from "@saev/core";
import { jsonOption, oneOf, toggle } from "../argv/option.js";
import { Interrupted } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import { interruptible } from "../interrupt.js";
import type { Io } from "../io.js";
import { downloadProgress } from "../progress/download.js";
import { makeReporter } from "../progress/reporter.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";
import { bytes } from "../text.js";

const command: SimpleCommand = {
  doc: {
    name: "setup",
    summary: "Fetches libtorch through pip into saev's cache, unless one that fits is there.",
    details: [
      "libtorch is looked for in SAEV_LIBTORCH, in the cache (SAEV_CACHE, else ~/.cache/saev) and in installed Python torches. Nothing is downloaded by any other command.",
    ],
    examples: [
      ["See what would be fetched, and how much.", "saev setup --dry-run"],
      ["Fetch it.", "saev setup"],
    ],
  },
  options: [
    oneOf(
      "flavour",
      ["auto", "cpu", "cu126", "cu128", "cu130"],
      "Which build of libtorch; auto takes what the addon here needs.",
    ),
    toggle("dry-run", "Say what would be fetched, and exit."),
    jsonOption("Print the result as JSON."),
    oneOf("log-format", ["text", "json"], "How progress is written; json writes an object a line."),
    toggle("quiet", "Show no progress; print only the folder.", "-q"),
  ],
};

/** Says what is there or what it costs, and fetches it. */
export async function runSetup(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const on = (option: string): boolean => line.options.get(option) === true;
  const logJson = line.options.get("log-format") === "json";
  const json = on("json") || logJson;
  const { planLibtorch, setupLibtorch } = await import("@saev/core");
  const named = line.options.get("flavour");
  const flavour = named === undefined || named === "auto" ? undefined : (named as LibtorchPlan["flavour"]);
  const plan = planLibtorch({ flavour });
  const print = (result: object, text: string, folder: string): ExitCode => {
    if (json) io.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else io.stdout.write(on("quiet") ? `${folder}\n` : text);
    return Exit.done;
  };
  if (plan.found)
    return print(
      { fetched: false, ...found(plan.found) },
      `libtorch is there: ${plan.found.folder}\n`,
      plan.found.folder,
    );
  const cost = `torch ${plan.torch} (${plan.flavour}): about ${bytes(plan.downloadBytes)} to download, ${bytes(plan.diskBytes)} on disk, to ${plan.folder}`;
  if (on("dry-run")) return print({ fetched: false, plan }, `would fetch ${cost}\n`, plan.folder);
  const reporter = makeReporter(io, { quiet: on("quiet"), json: logJson });
  reporter.note(`fetching ${cost}`);
  try {
    const taken = await interruptible(
      (signal) =>
        setupLibtorch({
          flavour: plan.flavour,
          signal,
          onProgress: ({ step, done, total }) => reporter.progress(downloadProgress(step, done, total)),
        }),
      () => reporter.note("stopping; Ctrl-C again stops at once"),
    );
    reporter.end(true);
    return print({ fetched: true, ...found(taken) }, `libtorch is ready: ${taken.folder}\n`, taken.folder);
  } catch (error) {
    reporter.end(false);
    if (error instanceof Interrupted) error.message += "; nothing was kept: run saev setup again";
    throw error;
  }
}

const found = (libtorch: FoundLibtorch) => ({ libtorch });
