import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class PlotsCommand extends SaevCommand {
  static override readonly paths = [["plots"]];

  async execute(): Promise<ExitCode> {
    const { runPlots } = await import("../plots/run-plots.js");
    return runPlots(this.words, this.context.io);
  }
}
