import { Command } from "clipanion";
import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class PlotsCommand extends SaevCommand {
  static override readonly paths = [["plots"]];
  static override readonly usage = Command.Usage({
    description: "Draw training curves and the Pareto front of runs as SVG and PNG.",
  });

  async execute(): Promise<ExitCode> {
    const { runPlots } = await import("../plots/run-plots.js");
    return runPlots(this.words, this.context.io);
  }
}
