import { folder, jsonOption } from "../argv/option.js";
import { UsageError } from "../errors.js";
import { Exit, type ExitCode } from "../exit.js";
import type { Io } from "../io.js";
import { configJson } from "../job/print-config.js";
import { readSimple, type SimpleCommand } from "../simple-command.js";

const command: SimpleCommand = {
  doc: {
    name: "plots",
    summary: "Draws training curves and the Pareto front of training runs, as SVG and PNG.",
    details: [
      "PATH is a run, or a folder that holds runs at most three levels down. training.svg has loss, errors, sparsity, dead latents and learning rate over steps; pareto.svg has L0 against explained variance and MSE, with the runs that no other beats joined and named.",
      "Plots of latents come from saev visuals, in plots/ of its folder.",
    ],
    examples: [
      ["A sweep.", "saev plots runs --out figures"],
      ["Two runs.", "saev plots runs/A runs/B --out figures"],
    ],
  },
  options: [
    folder("out", "Folder to write training.svg, training.png, pareto.svg and pareto.png into."),
    jsonOption("Print the paths as JSON."),
  ],
  positionals: ["PATH…"],
};

/** Draws runs; prints the paths of what was drawn, one a line. */
export async function runPlots(words: readonly string[], io: Io): Promise<ExitCode> {
  const line = readSimple(command, words, io);
  if (line === undefined) return Exit.done;
  const out = line.options.get("out") as string | undefined;
  if (out === undefined) throw new UsageError("plots", ["--out: is missing"]);
  const { writeRunPlots } = await import("@saev/visuals/runs");
  const files = await writeRunPlots(line.positionals, out);
  io.stdout.write(
    line.options.get("json") === true ? configJson({ kind: "plots", files }) : `${files.join("\n")}\n`,
  );
  return Exit.done;
}
