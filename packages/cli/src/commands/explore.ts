import type { ExitCode } from "../exit.js";
import { SaevCommand } from "./saev-command.js";

export class ExploreCommand extends SaevCommand {
  static override readonly paths = [["explore"]];

  async execute(): Promise<ExitCode> {
    const { runExplore } = await import("../explore/run-explore.js");
    return runExplore(this.words, this.context.io);
  }
}
